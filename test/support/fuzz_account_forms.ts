import { accountPagesOf } from '../../src/account/account_pages.ts'
import type { LinkKind } from '../../src/accounts/account_links.ts'
import {
  CONFIRM_ADDRESS,
  END_SESSIONS,
  INVITATION,
  passwordLinkDataOf,
  RESET_PASSWORD,
} from '../../src/accounts/link_kinds.ts'
import { ACCOUNT } from './account.ts'
import { addReader, tokenOf } from './account_links.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf } from './authorize.ts'
import { MAIL } from './mail_sink.ts'
import type { PageBrowser, ShownPage } from './page_browser.ts'
import { TestServer } from './server.ts'

const COOKIES = ['__Host-sallyport-form', '__Host-sallyport-customers']

/** The values of a request in order. A name can repeat. */
export type Pairs = [string, string][]

/** A form of a page, as a browser has it. */
export interface OpenForm {
  path: string
  ticket: string
  /** The name of the field of the ticket; `ticket` if absent. */
  field?: string
  cookie: string
  /** Fields of each input. */
  always?: Pairs
}

/** The configuration of both servers. */
export const ALL_WAYS = {
  mail: MAIL,
  accounts: {
    customers: {
      email_code: 'sign_in',
      sign_up: true,
      self_service: true,
      second_factor: 'optional',
      passkeys: { rp_id: 'shop.test' },
    },
  },
}

/** The pages below the account page. */
export const ACCOUNT_PAGES = accountPagesOf(new TestServer({ config: ALL_WAYS }).services.config)

/** The pages below the account page with a form: those of a signed-in user have a section. */
export const ACCOUNT_FORMS = ACCOUNT_PAGES.filter(({ POST }) => POST !== undefined)

export function formOf(browser: PageBrowser, { html }: ShownPage): OpenForm {
  const [, path = '', ticket = ''] = /action="([^"]+)".*?name="ticket" value="([^"]+)"/s.exec(html) ?? []
  const cookie = COOKIES.map((name) => `${name}=${browser.cookie(name)}`).join('; ')
  return { path, ticket, cookie }
}

/** The forms of the account pages of a signed-in user. The user allows an application first. */
export async function ownFormsOf(server: TestServer, browser: PageBrowser): Promise<OpenForm[]> {
  const application = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
  await browser.open(authorizeUrl(application))
  const { url } = await browser.press('Allow')
  // The exchange stores the consent.
  await server.requireTokens(exchangeOf(application, url.searchParams.get('code')))
  const forms: OpenForm[] = []
  for (const { path, section } of ACCOUNT_FORMS) {
    if (section === undefined) continue
    const form = formOf(browser, await browser.open(ACCOUNT + path))
    // Without a session, the form ends all other sessions and replaces the cookie, so later inputs would have no user.
    forms.push(path === '/sessions' ? { ...form, always: [['session', 's1.unknown']] } : form)
  }
  return forms
}

/** The forms of a forgotten password with the state of the sign-in, and of each kind of link in a mail. */
export async function linkFormsOf(server: TestServer, cookie: string): Promise<OpenForm[]> {
  const browser = browserOf(server)
  const { html } = await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
  const [, state = ''] = /forgotten-password\?page_state=([^"]+)"/.exec(html) ?? []
  const pages = '/account/customers'
  const ticket = decodeURIComponent(state)
  const { id } = await addReader(server)
  const user = await server.services.userAdmin.find(id)
  if (user === null) throw new Error('the user is missing')
  const formBy = async <Data>(kind: LinkKind<Data>, data: Data): Promise<OpenForm> => {
    const url = await server.services.links.make(kind, { user, data }, server.clock.time)
    return { path: `${pages}/${kind.page}`, field: 'token', ticket: tokenOf(new URL(url)), cookie }
  }
  const data = await passwordLinkDataOf(user)
  const address = { address: `${crypto.randomUUID()}@example.org`, from: user.profile.email ?? null }
  return [
    { path: `${pages}/forgotten-password`, field: 'page_state', ticket, cookie },
    await formBy(RESET_PASSWORD, data),
    await formBy(INVITATION, data),
    await formBy(CONFIRM_ADDRESS, address),
    await formBy(END_SESSIONS, {}),
  ]
}
