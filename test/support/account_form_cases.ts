import { accountPagesOf } from '../../src/account/account_pages.ts'
import type { Config } from '../../src/config/config.ts'
import { ACCOUNT } from './account.ts'
import { ACCOUNT_CASES } from './account_write_cases.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, signInAt } from './authorize.ts'
import { NOTIFICATION_CASES } from './notification_write_cases.ts'
import type { PageBrowser } from './page_browser.ts'
import { pressPasskey, registerPasskey } from './passkey.ts'
import { enrol } from './second_factor.ts'
import { ISSUER, type TestServer } from './server.ts'
import { HERE, type Send, type World, type WriteCase } from './write_cases.ts'

/** The fields of a request, for the user of the browser and the fields of the page. */
type FieldsOf = (i: number, own: { username: string; field(name: string): string }) => Record<string, string>

/** Signs a new user in on the sign-in page. @returns the username */
type SignIn = (server: TestServer, browser: PageBrowser) => Promise<string>

const byPassword: SignIn = async (server, browser) => {
  const { username } = await server.addUser()
  await signInAt(browser, username)
  return username
}

const byPasskey: SignIn = async (server, browser) => {
  const user = await server.addUser()
  const { authenticator } = await registerPasskey(server, user)
  await pressPasskey(browser, 'Sign in with a passkey', authenticator)
  return user.username
}

const byApp: SignIn = async (server, browser) => {
  const { user, codeAt } = await enrol(server, await server.addUser())
  await signInAt(browser, user.username)
  await browser.press('Continue', { '6-digit code': await codeAt(server.clock.time) })
  return user.username
}

const PATH = new URL(ACCOUNT).pathname

/** Posts the form of a page of a signed-in user in each request, with the same ticket and the same cookies. */
async function postingAt({ server }: World, path: string, { fieldsOf, signIn }: Form): Promise<Send> {
  const browser = browserOf(server)
  const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
  await browser.open(authorizeUrl(partner))
  const username = await signIn(server, browser)
  const { url } = await browser.press('Allow')
  await server.requireTokens(exchangeOf(partner, url.searchParams.get('code')))
  const page = await browser.open(ISSUER + PATH + path)
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(page.html)?.[1] ?? ''
  const ticket = field('ticket')
  if (ticket === '') throw new Error(`the page ${path} has no form`)
  const names = ['__Host-sallyport-form', '__Host-sallyport-customers']
  const headers = {
    ...HERE,
    Origin: ISSUER,
    Cookie: names.map((name) => `${name}=${browser.cookie(name)}`).join('; '),
    'Content-Type': 'application/x-www-form-urlencoded',
  }
  return (i) => {
    const body = new URLSearchParams({ ticket, ...fieldsOf(i, { username, field }) }).toString()
    return server.fetch(PATH + path, { method: 'POST', headers, body, redirect: 'manual' })
  }
}

interface Form {
  fieldsOf: FieldsOf
  signIn: SignIn
}

interface Expected {
  status: number
  signIn: SignIn
}

const at = (
  [what, path]: [what: string, path: string],
  fieldsOf: FieldsOf,
  { status = 303, signIn = byPassword }: Partial<Expected> = {},
): WriteCase => ({
  what,
  path: PATH + path,
  expected: [status],
  toExhaust: 40,
  prepare: (world) => postingAt(world, path, { fieldsOf, signIn }),
})

/** The forms of the account pages of signed-in users. */
export const ACCOUNT_FORM_CASES: readonly WriteCase[] = [
  at(['changes of a profile', '/profile'], (i) => ({ name: `Name ${i}`, version: String(i + 1) })),
  at(['changes of a password with a wrong current password', '/password'], () => ({
    current_password: 'wrong',
    password: 'another long password',
    repeated: 'another long password',
  })),
  at(['ends of all other sessions', '/sessions'], () => ({})),
  at(['ends of an unknown session', '/sessions'], (i) => ({ session: `s1.unknown-${i}` })),
  at(['withdrawals of one consent', '/applications'], (_i, { field }) => ({ consent: field('consent') })),
  at(['mails to new addresses', '/address'], (i) => ({ username: `new-${i}@example.org` })),
  at(['texts that are no new passkey', '/passkeys'], () => ({ decision: 'passkey', passkey: '{}' })),
  at(
    ['new names of one passkey', '/passkeys'],
    (i, { field }) => ({ passkey_id: field('passkey_id'), name: `Phone ${i}` }),
    { signIn: byPasskey },
  ),
  at(
    ['removals of one passkey', '/passkeys'],
    (_i, { field }) => ({ passkey_id: field('passkey_id'), decision: 'remove' }),
    { signIn: byPasskey },
  ),
  at(['wrong codes of a new app', '/second-factor'], (_i, { field }) => ({
    enrolment: field('enrolment'),
    totp: 'wrong',
  })),
  at(['new recovery codes', '/second-factor'], () => ({ decision: 'renew' }), {
    status: 200,
    signIn: byApp,
  }),
  at(['removals of one app', '/second-factor'], () => ({ decision: 'remove' }), { signIn: byApp }),
  at(['downloads of data', '/data'], () => ({}), { status: 200 }),
  at(['deletions of an account', '/deletion'], (_i, { username }) => ({ username })),
]

/** The pages below `/account/customers` with a form that has no case of a flood. */
export function accountFormsWithoutCase(config: Config): string[] {
  const tried = new Set(
    [...ACCOUNT_CASES, ...ACCOUNT_FORM_CASES, ...NOTIFICATION_CASES].map(({ path }) => path),
  )
  const forms = accountPagesOf(config).filter(({ POST }) => POST !== undefined)
  return forms.map(({ path }) => PATH + path).filter((path) => !tried.has(path))
}
