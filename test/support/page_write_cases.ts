import {
  ACCOUNT_PATH,
  AUTHORIZE_PATH,
  AUTHORIZE_VISITOR_PATH,
  BROWSER_PATH,
  CONSENT_PATH,
  LOGOUT_CONFIRM_PATH,
  LOGOUT_PATH,
  PASSWORD_PATH,
  SIGN_IN_PATH,
} from '../../src/browser/browser_path.ts'
import { authorize, authorizeUrl, browserOf, CODE_CLIENT, exchangeOf } from './authorize.ts'
import type { PageBrowser } from './page_browser.ts'
import { ISSUER, PASSWORD, type TestServer } from './server.ts'
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
    expected: [400],
    toExhaust: 40,
    async prepare(world) {
      const { username } = await world.server.addUser()
      return posting(world, SIGN_IN_PATH, {}, () => ({ username, password: 'wrong' }))
    },
  },
  {
    what: 'made-up names',
    path: BROWSER_PATH + SIGN_IN_PATH,
    expected: [400],
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
    what: 'changes of a password with a wrong current password',
    path: BROWSER_PATH + PASSWORD_PATH,
    expected: [400],
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
