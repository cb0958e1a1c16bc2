import { LINK_PARAMETER } from '../../src/accounts/account_links.ts'
import type { RenderedMail } from '../../src/mail/render_mail.ts'
import type { Profile } from '../../src/users/profile.ts'
import { browserOf } from './authorize.ts'
import { ISSUER, type TestServer } from './server.ts'
import { databaseOf } from './user_databases.ts'

/** Adds a user with a verified address. */
export async function addReader(server: TestServer, changes: Parameters<TestServer['addUser']>[0] = {}) {
  const user = await server.addUser({ username: `reader-${crypto.randomUUID()}`, ...changes })
  const email = `${crypto.randomUUID()}@example.com`
  await setProfile(user.id, { email, email_verified: true })
  return { ...user, email }
}

export async function setProfile(id: string, profile: Profile): Promise<void> {
  await databaseOf(id)
    .prepare('UPDATE users SET profile = ? WHERE id = ?')
    .bind(JSON.stringify(profile), id)
    .run()
}

/** Requests a link on the page for a forgotten password. @returns the page after it */
export async function forget(server: TestServer, name: string, browser = browserOf(server)) {
  await browser.open(`${ISSUER}/account/customers/forgotten-password`)
  return browser.press('Send the link', { Username: name })
}

/** The link of a mail to one of the pages below `/account/customers`. */
export function linkOf(mail: Pick<RenderedMail, 'text'>, page: string): URL {
  const [found] = linksOf(mail, page)
  if (found === undefined) throw new Error(`the mail has no link to ${page}`)
  return new URL(found)
}

function linksOf({ text }: Pick<RenderedMail, 'text'>, page: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${ISSUER}/account/customers/${page}?`))
}

/** The only link to a page in the mails since the last call. */
export async function takeLink(server: TestServer, page: string): Promise<URL> {
  const mails = await server.takeMails()
  const [found, ...others] = mails.flatMap((mail) => linksOf(mail, page))
  if (found === undefined || others.length > 0) throw new Error(`${others.length} further links to ${page}`)
  return new URL(found)
}

/** The token of a link. */
export function tokenOf(link: URL): string {
  return link.searchParams.get(LINK_PARAMETER) ?? ''
}
