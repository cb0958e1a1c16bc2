import type { AuthorizationCode } from '../../src/authorization/authorization_code.ts'
import { hashUri } from '../../src/authorization/issue_code.ts'
import { UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import { ONE_FACTOR } from '../../src/signin/authentication_level.ts'
import { PageBrowser, type ShownPage } from './page_browser.ts'
import { ISSUER, PASSWORD, type TestClient, type TestServer } from './server.ts'

/** Where the clients of the tests get their codes. */
export const CALLBACK = 'https://app.test/callback'

/** A verifier of 43 characters (RFC 7636 §4.1), and its challenge. */
export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** The fields of a first-party client of the code flow. */
export const CODE_CLIENT = {
  grants: ['authorization_code', 'refresh_token'],
  redirectUris: [CALLBACK],
  isFirstParty: true,
  confidential: false,
} satisfies Parameters<TestServer['addClient']>[0]

/** A browser that can open the server and the callback. */
export function browserOf(server: TestServer): PageBrowser {
  return new PageBrowser(async (request) =>
    request.url.startsWith(`${ISSUER}/`)
      ? server.send(server.from(request))
      : new Response('the application'),
  )
}

/** The address of the authorization endpoint for a request of a client, changed as asked. */
export function authorizeUrl(client: TestClient, changes: Record<string, string | undefined> = {}): string {
  const parameters = {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: CALLBACK,
    state: 'st',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...changes,
  }
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return `${ISSUER}/oauth2-token/authorize?${new URLSearchParams(given)}`
}

/** Signs a user in on the page that the browser shows. */
export function signInAt(browser: PageBrowser, username: string, password = PASSWORD): Promise<ShownPage> {
  return browser.press('Sign in', { Username: username, Password: password })
}

/** Opens the authorization endpoint, signs the user in and returns the parameters of the response. */
export async function authorize(
  server: TestServer,
  client: TestClient,
  { username, browser = browserOf(server), changes = {} }: AuthorizeOptions,
): Promise<URLSearchParams> {
  const page = await browser.open(authorizeUrl(client, changes))
  const end = page.url.origin === ISSUER ? await signInAt(browser, username) : page
  return end.url.searchParams
}

interface AuthorizeOptions {
  username: string
  browser?: PageBrowser
  changes?: Record<string, string | undefined>
}

/** The parameters of the exchange of a code, changed as asked. */
export function exchangeOf(
  client: TestClient,
  code: string | null,
  changes: Record<string, string | undefined> = {},
): Record<string, string | undefined> {
  const secret = client.record.confidential ? { client_secret: client.secret } : {}
  return {
    grant_type: 'authorization_code',
    client_id: client.id,
    ...secret,
    code: code ?? '',
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
    ...changes,
  }
}

/** A code for a user, as the authorization endpoint issues it, without a browser. */
export async function newCode(
  server: TestServer,
  { id }: Pick<TestClient, 'id'>,
  subject: string,
  changes: Partial<AuthorizationCode> = {},
): Promise<string> {
  const { services, clock } = server
  const code = await services.codes.seal({
    sid: services.shards.newSid({ ...UNKNOWN_CALLER, continent: server.continent }),
    sub: subject,
    client: id,
    api: 'storefront',
    scope: ['cart'],
    uri: await hashUri(CALLBACK),
    challenge: CHALLENGE,
    key: null,
    nonce: null,
    iat: clock.time,
    at: clock.time,
    auth: { time: clock.time, amr: ['pwd'], acr: ONE_FACTOR, browser: 'browser' },
    consent: null,
    visitor: null,
    ...changes,
  })
  if (code === null) throw new Error('the code is too long')
  return code
}

/** The content of a code. */
export async function readCode(server: TestServer, code: string | null): Promise<AuthorizationCode> {
  const content = await server.services.codes.open(code ?? '')
  if (content === null) throw new Error('not a code of this server')
  return content
}
