import {
  ACCOUNT_PATH,
  ADD_PASSKEY_PATH,
  AUTHORIZE_PATH,
  AUTHORIZE_VISITOR_PATH,
  BROWSER_PATH,
  CONSENT_PATH,
  CREATE_ACCOUNT_PATH,
  EMAIL_CODE_PATH,
  EMAIL_SECOND_FACTOR_PATH,
  LOGOUT_CONFIRM_PATH,
  LOGOUT_PATH,
  PASSWORD_PATH,
  RECOVERY_CODES_PATH,
  SECOND_FACTOR_PATH,
  SET_UP_PATH,
  SIGN_IN_PATH,
  SIGN_UP_CODE_PATH,
  SIGN_UP_PATH,
} from '../../src/browser/browser_path.ts'
import type { RequestOptionsJson } from '../../src/passkeys/ceremony_options.ts'
import { authorize, authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, signInAt } from './authorize.ts'
import { addReader } from './mailed_codes.ts'
import type { PageBrowser, ShownPage } from './page_browser.ts'
import { optionsOf, registerPasskey } from './passkey.ts'
import { appOf, enrol } from './second_factor.ts'
import { ISSUER, PASSWORD, type TestServer } from './server.ts'
import type { SoftwareAuthenticator } from './software_authenticator.ts'
import { HERE, type Send, type World, type WriteCase } from './write_cases.ts'

const SIGNED_OUT = 'https://app.test/signed-out'
const THIRD_PARTY = { isFirstParty: false }

/** What a page asks before its form is posted. */
interface Opening {
  /** The changes of the client; absent for a first-party client. */
  client?: { isFirstParty: boolean }
  /** The changes of the request. */
  request?: Record<string, string>
  /** The user who is signed in; absent for a browser without a session. */
  username?: string
}

/** Opens the authorization endpoint, and posts the form of its page in each request. */
async function posting(
  { server }: World,
  path: string,
  { client: changes, request = {}, username }: Opening,
  fieldsOf: (i: number) => Record<string, string>,
): Promise<Send> {
  const client = await server.addClient({ ...CODE_CLIENT, ...changes })
  const browser = browserOf(server)
  if (username !== undefined) {
    const own = await server.addClient(CODE_CLIENT)
    await authorize(server, own, { username, browser })
  }
  const { html } = await browser.open(authorizeUrl(client, request))
  return postingForm(server, path, { browser, html, fieldsOf })
}

interface ShownForm {
  browser: PageBrowser
  html: string
  fieldsOf(i: number): Record<string, string>
}

/** Posts the form of a page in each request, with the same ticket and the same cookies. */
function postingForm(server: TestServer, path: string, { browser, html, fieldsOf }: ShownForm): Send {
  const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(html) ?? []
  const headers = {
    ...HERE,
    Origin: ISSUER,
    Cookie: cookiesOf(browser),
    'Content-Type': 'application/x-www-form-urlencoded',
  }
  return (i) => {
    const body = new URLSearchParams({ ticket, ...fieldsOf(i) }).toString()
    return server.fetch(BROWSER_PATH + path, { method: 'POST', headers, body })
  }
}

/** A browser in which a user has signed in for a client, and the ID token of the client. */
async function signedIn({ server }: World) {
  const client = await server.addClient({ ...CODE_CLIENT, postLogoutRedirectUris: [SIGNED_OUT] })
  const browser = browserOf(server)
  const { username } = await server.addUser()
  const response = await authorize(server, client, { username, browser, changes: { scope: 'openid' } })
  const { id_token: hint = '' } = await server.requireTokens(exchangeOf(client, response.get('code')))
  return { client, browser, hint }
}

/** A browser that shows the page of the second factor of a user with an app. */
async function atSecondFactor({ server }: World) {
  const client = await server.addClient(CODE_CLIENT)
  const { user } = await enrol(server, await server.addUser())
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client))
  const { html } = await signInAt(browser, user.username)
  return { browser, html }
}

/** A browser that shows the page of a code by mail as the second factor. */
async function atEmailSecondFactor({ server }: World) {
  const client = await server.addClient({ ...CODE_CLIENT, api: 'backoffice' })
  const { username } = await addReader(server, { pool: 'staff' })
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client))
  const { html } = await signInAt(browser, username)
  return { browser, html }
}

/** A browser that shows the page of the code of a mail. */
async function atEmailCode({ server }: World) {
  const client = await server.addClient(CODE_CLIENT)
  const { username } = await server.addUser()
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client))
  const { html } = await browser.press('Email me a code', { Username: username })
  return { browser, html }
}

/** A browser that shows the page of a step of a sign-up. */
async function atSignUp(
  { server }: World,
  path: typeof SIGN_UP_PATH | typeof SIGN_UP_CODE_PATH | typeof CREATE_ACCOUNT_PATH,
) {
  const client = await server.addClient(CODE_CLIENT)
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client))
  await browser.press('Create an account')
  if (path === SIGN_UP_PATH) return { browser, html: browser.page.html }
  await browser.press('Continue', { 'Email address': `${crypto.randomUUID()}@example.com` })
  if (path === SIGN_UP_CODE_PATH) return { browser, html: browser.page.html }
  const [mail] = await server.takeMails()
  const code = /\b\d{6}\b/.exec(mail?.text ?? '')?.[0] ?? ''
  const { html } = await browser.press('Continue', { '6-digit code': code })
  return { browser, html }
}

/** A browser that shows the page on which a user sets up an app, and the fields of its form. */
async function atSetUp({ server }: World) {
  const client = await server.addClient(CODE_CLIENT)
  const { username } = await server.addUser()
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client, { acr_values: 'urn:sallyport:2' }))
  const { html } = await signInAt(browser, username)
  const [, enrolment = ''] = /name="enrolment" value="([^"]+)"/.exec(html) ?? []
  const [, key = ''] = /<code class="key">([^<]+)</.exec(html) ?? []
  return { browser, html, enrolment, app: appOf(key) }
}

/** A browser that shows the sign-in page, and the fields of a passkey whose counter has fallen. */
async function atPasskey({ server }: World) {
  const client = await server.addClient(CODE_CLIENT)
  const { authenticator } = await registerPasskey(server, await server.addUser(), { counter: 9 })
  const browser = browserOf(server)
  const page = await browser.open(authorizeUrl(client))
  const fields = await fallenPasskeyOf(page, authenticator)
  return { browser, html: page.html, fields }
}

/** A browser that shows the page of the second factor, and the fields of a passkey whose counter has fallen. */
async function atSecondPasskey({ server }: World) {
  const client = await server.addClient(CODE_CLIENT)
  const user = await server.addUser()
  const { authenticator } = await registerPasskey(server, user, { counter: 9 })
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client, { acr_values: 'urn:sallyport:2' }))
  const page = await signInAt(browser, user.username)
  const fields = await fallenPasskeyOf(page, authenticator)
  return { browser, html: page.html, fields }
}

/** The fields of a form with a passkey whose counter has fallen. */
async function fallenPasskeyOf(page: ShownPage, authenticator: SoftwareAuthenticator) {
  const [, challenge = ''] = /name="passkey_challenge" value="([^"]+)"/.exec(page.html) ?? []
  const passkey = await authenticator.get(optionsOf<RequestOptionsJson>(page), { counter: 8 })
  return { decision: 'passkey', passkey_challenge: challenge, passkey }
}

/** A logout with the ID token of the session. */
const logoutOf = (hint: string) =>
  `${ISSUER}${BROWSER_PATH}${LOGOUT_PATH}?${new URLSearchParams({
    id_token_hint: hint,
    post_logout_redirect_uri: SIGNED_OUT,
  })}`

function cookiesOf(browser: PageBrowser): string {
  const names = ['__Host-sallyport-form', '__Host-sallyport-customers']
  return names.flatMap((name) => (browser.cookie(name) ? [`${name}=${browser.cookie(name)}`] : [])).join('; ')
}

/** The requests to the pages of the browser flows. */
export const PAGE_CASES: readonly WriteCase[] = [
  {
    what: 'requests of a signed-in user',
    path: BROWSER_PATH + AUTHORIZE_PATH,
    expected: [303],
    async prepare({ server }) {
      const client = await server.addClient(CODE_CLIENT)
      const browser = browserOf(server)
      await authorize(server, client, { username: (await server.addUser()).username, browser })
      const headers = { ...HERE, Cookie: cookiesOf(browser) }
      return () => server.send(new Request(authorizeUrl(client), { headers, redirect: 'manual' }))
    },
  },
  {
    what: 'requests of guests',
    path: BROWSER_PATH + AUTHORIZE_VISITOR_PATH,
    expected: [303],
    async prepare({ server }) {
      const client = await server.addClient(CODE_CLIENT)
      const url = authorizeUrl(client).replace(AUTHORIZE_PATH, AUTHORIZE_VISITOR_PATH)
      return () => server.send(new Request(url, { headers: HERE, redirect: 'manual' }))
    },
  },
  {
    what: 'sign-ins of one user',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const { username } = await world.server.addUser()
      return posting(world, SIGN_IN_PATH, {}, () => ({ username, password: PASSWORD }))
    },
  },
  {
    what: 'wrong passwords',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const { username } = await world.server.addUser()
      return posting(world, SIGN_IN_PATH, {}, () => ({ username, password: 'wrong' }))
    },
  },
  {
    what: 'the page of a refused sign-in',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [400],
    async prepare({ server }) {
      const browser = browserOf(server)
      await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
      const { url } = await signInAt(browser, 'unknown@example.com')
      const headers = { ...HERE, Cookie: cookiesOf(browser) }
      return () => server.send(new Request(url, { headers }))
    },
  },
  {
    what: 'made-up names',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    toExhaust: 60,
    prepare: (world) =>
      posting(world, SIGN_IN_PATH, {}, (i) => ({ username: `unknown-${i}@example.com`, password: 'x' })),
  },
  {
    what: 'guests',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    prepare: (world) => posting(world, SIGN_IN_PATH, {}, () => ({ decision: 'guest' })),
  },
  {
    what: 'passkeys whose counter has fallen',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const { fields, ...shown } = await atPasskey(world)
      return postingForm(world.server, SIGN_IN_PATH, { ...shown, fieldsOf: () => fields })
    },
  },
  {
    what: 'texts that are no passkey',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    prepare: (world) => posting(world, SIGN_IN_PATH, {}, () => ({ decision: 'passkey', passkey: '{}' })),
  },
  {
    what: 'codes by mail for one user',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const { username } = await world.server.addUser()
      return posting(world, SIGN_IN_PATH, {}, () => ({ username, decision: 'email_code' }))
    },
  },
  {
    what: 'codes by mail for made-up names',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [303],
    toExhaust: 60,
    prepare: (world) =>
      posting(world, SIGN_IN_PATH, {}, (i) => ({
        username: `unknown-${i}@example.com`,
        decision: 'email_code',
      })),
  },
  {
    what: 'wrong codes',
    path: BROWSER_PATH + EMAIL_CODE_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const shown = await atEmailCode(world)
      return postingForm(world.server, EMAIL_CODE_PATH, {
        ...shown,
        fieldsOf: (i) => ({ email_code: String(100_000 + i) }),
      })
    },
  },
  {
    what: 'sign-ups with made-up addresses',
    path: BROWSER_PATH + SIGN_UP_PATH,
    expected: [303],
    toExhaust: 60,
    async prepare(world) {
      const shown = await atSignUp(world, SIGN_UP_PATH)
      const fieldsOf = (i: number) => ({ username: `unknown-${i}@example.com` })
      return postingForm(world.server, SIGN_UP_PATH, { ...shown, fieldsOf })
    },
  },
  {
    what: 'sign-ups with a taken address',
    path: BROWSER_PATH + SIGN_UP_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const shown = await atSignUp(world, SIGN_UP_PATH)
      const { username } = await world.server.addUser({ username: `${crypto.randomUUID()}@example.com` })
      return postingForm(world.server, SIGN_UP_PATH, { ...shown, fieldsOf: () => ({ username }) })
    },
  },
  {
    what: 'wrong codes of a sign-up',
    path: BROWSER_PATH + SIGN_UP_CODE_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const shown = await atSignUp(world, SIGN_UP_CODE_PATH)
      const fieldsOf = (i: number) => ({ email_code: String(100_000 + i) })
      return postingForm(world.server, SIGN_UP_CODE_PATH, { ...shown, fieldsOf })
    },
  },
  {
    what: 'new accounts with one proof',
    path: BROWSER_PATH + CREATE_ACCOUNT_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const shown = await atSignUp(world, CREATE_ACCOUNT_PATH)
      const fieldsOf = () => ({ password: PASSWORD, repeated: PASSWORD })
      return postingForm(world.server, CREATE_ACCOUNT_PATH, { ...shown, fieldsOf })
    },
  },
  {
    what: 'choices of an account',
    path: BROWSER_PATH + ACCOUNT_PATH,
    expected: [303],
    async prepare(world) {
      const { username } = await world.server.addUser()
      const opening = { username, request: { prompt: 'select_account' } }
      return posting(world, ACCOUNT_PATH, opening, () => ({ decision: 'keep' }))
    },
  },
  {
    what: 'consents',
    path: BROWSER_PATH + CONSENT_PATH,
    expected: [303],
    async prepare(world) {
      const { username } = await world.server.addUser()
      return posting(world, CONSENT_PATH, { username, client: THIRD_PARTY }, () => ({ decision: 'allow' }))
    },
  },
  {
    what: 'wrong second factors',
    path: BROWSER_PATH + SECOND_FACTOR_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const shown = await atSecondFactor(world)
      return postingForm(world.server, SECOND_FACTOR_PATH, { ...shown, fieldsOf: () => ({ totp: 'wrong' }) })
    },
  },
  {
    what: 'codes by mail as a second factor',
    path: BROWSER_PATH + EMAIL_SECOND_FACTOR_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const shown = await atEmailSecondFactor(world)
      return postingForm(world.server, EMAIL_SECOND_FACTOR_PATH, {
        ...shown,
        fieldsOf: () => ({ decision: 'send_code' }),
      })
    },
  },
  {
    what: 'wrong codes of a second factor',
    path: BROWSER_PATH + EMAIL_SECOND_FACTOR_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const shown = await atEmailSecondFactor(world)
      return postingForm(world.server, EMAIL_SECOND_FACTOR_PATH, {
        ...shown,
        fieldsOf: (i) => ({ email_code: String(100_000 + i) }),
      })
    },
  },
  {
    what: 'wrong codes of a new app',
    path: BROWSER_PATH + SET_UP_PATH,
    expected: [400],
    async prepare(world) {
      const { enrolment, ...shown } = await atSetUp(world)
      return postingForm(world.server, SET_UP_PATH, {
        ...shown,
        fieldsOf: () => ({ enrolment, totp: 'wrong' }),
      })
    },
  },
  {
    what: 'confirmations of recovery codes',
    path: BROWSER_PATH + RECOVERY_CODES_PATH,
    expected: [303],
    async prepare(world) {
      const { browser, app } = await atSetUp(world)
      const code = await app.codeAt(world.server.clock.time)
      const { html } = await browser.press('Confirm the code', { '6-digit code from the app': code })
      return postingForm(world.server, RECOVERY_CODES_PATH, { browser, html, fieldsOf: () => ({}) })
    },
  },
  {
    what: 'wrong passkeys as the second factor',
    path: BROWSER_PATH + SECOND_FACTOR_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const { fields, ...shown } = await atSecondPasskey(world)
      return postingForm(world.server, SECOND_FACTOR_PATH, { ...shown, fieldsOf: () => fields })
    },
  },
  {
    what: 'texts that are no new passkey',
    path: BROWSER_PATH + ADD_PASSKEY_PATH,
    expected: [303],
    async prepare({ server }) {
      const browser = browserOf(server)
      await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
      const { username } = await server.addUser()
      const values = { Username: username, Password: PASSWORD, can_have_passkey: 'yes' }
      const { html } = await browser.press('Sign in', values)
      const fields = { decision: 'passkey', passkey: '{}' }
      return postingForm(server, ADD_PASSKEY_PATH, { browser, html, fieldsOf: () => fields })
    },
  },
  {
    what: 'changes of a password with a wrong current password',
    path: BROWSER_PATH + PASSWORD_PATH,
    expected: [303],
    toExhaust: 40,
    async prepare(world) {
      const { username } = await world.server.addUser({ mustChangePassword: true })
      const fields = { current_password: 'wrong', password: 'x', repeated: 'x' }
      return posting(world, PASSWORD_PATH, { username }, () => fields)
    },
  },
  {
    what: 'logouts with one cookie',
    path: BROWSER_PATH + LOGOUT_PATH,
    expected: [303],
    async prepare(world) {
      const { browser, hint } = await signedIn(world)
      const headers = { ...HERE, Cookie: cookiesOf(browser) }
      return () => world.server.send(new Request(logoutOf(hint), { headers, redirect: 'manual' }))
    },
  },
  {
    what: 'confirmations of one logout',
    path: BROWSER_PATH + LOGOUT_CONFIRM_PATH,
    expected: [200],
    async prepare(world) {
      const { browser } = await signedIn(world)
      const { html } = await browser.open(ISSUER + BROWSER_PATH + LOGOUT_PATH)
      return postingForm(world.server, LOGOUT_CONFIRM_PATH, { browser, html, fieldsOf: () => ({}) })
    },
  },
]
