import { CookieJar } from '../scripts/cookie_jar.ts'
import { signInByForms } from '../scripts/sign_in_by_forms.ts'
import type { Env } from '../src/services/environment.ts'
import { get, type HttpRequest, post, require200, type Send } from './exchange.ts'
import { CUSTOMER, type Operation, repeat, STOREFRONT, TOKEN_PATH } from './operations.ts'

export const DISCOVERY_REQUEST = get('/.well-known/openid-configuration')
export const REDIRECT_URI = 'https://shop.example.com/callback'

/** The example of RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** The parameters of an authorization request. */
export const AUTHORIZATION_QUERY = new URLSearchParams({
  response_type: 'code',
  client_id: STOREFRONT.client_id,
  redirect_uri: REDIRECT_URI,
  scope: 'openid profile email cart',
  state: 'state',
  code_challenge: CHALLENGE,
  code_challenge_method: 'S256',
}).toString()

/** The number of codes of all callers of `code exchange`. They must be used in a minute. */
const CODES = 6000

export const DISCOVERY = repeat('discovery', DISCOVERY_REQUEST)

/** An authorization request of a first-party client in a browser with a session. */
export const AUTHORIZE: Operation = {
  name: 'authorize',
  status: 303,
  async open(send) {
    const request = await requestOfSignedInUser(send)
    return { next: () => request, accept() {} }
  },
}

/** The exchange of a code for three tokens. The codes come from authorization requests outside the measured time. */
export const CODE_EXCHANGE: Operation = {
  name: 'code exchange',
  async open(send, callerCount) {
    const authorize = await requestOfSignedInUser(send)
    const requests: HttpRequest[] = []
    for (let i = 0; i < Math.max(2, CODES / callerCount); i++)
      requests.push(exchangeOf(await newCode(send, authorize)))
    return {
      next: () => requests.pop() ?? null,
      accept(body) {
        if (JSON.parse(body).id_token === undefined) throw new Error(`code exchange: ${body}`)
      },
    }
  },
}

/** A customer's claims, each caller with the access token of its own session. */
export const USERINFO: Operation = {
  name: 'userinfo',
  async open(send) {
    const code = await newCode(send, await requestOfSignedInUser(send))
    const { access_token } = JSON.parse(await require200(send, exchangeOf(code)))
    const request = get(`${TOKEN_PATH}/userinfo`, { Authorization: `Bearer ${access_token}` })
    return { next: () => request, accept() {} }
  },
}

/**
 * Gives the demo client ES256 for its ID tokens and an https redirect URI. The user must confirm each request with a loopback
 * redirect URI.
 */
export async function prepareCodeClient({ DB }: Env): Promise<void> {
  const update = DB.prepare(
    `UPDATE clients SET id_token_signed_response_alg = 'ES256', redirect_uris = ? WHERE client_id = ?`,
  )
  await update.bind(JSON.stringify([REDIRECT_URI]), STOREFRONT.client_id).run()
}

const signedIn = new WeakMap<Send, Promise<HttpRequest>>()

/** The authorization request of a browser with a session. All callers of a server share the browser, because a sign-in is slow. */
function requestOfSignedInUser(send: Send): Promise<HttpRequest> {
  const known = signedIn.get(send)
  if (known) return known
  const request = signInByBrowser(send)
  signedIn.set(send, request)
  return request
}

async function signInByBrowser(send: Send): Promise<HttpRequest> {
  const { authorization_endpoint } = JSON.parse(await require200(send, DISCOVERY_REQUEST))
  const address = new URL(authorization_endpoint)
  address.search = AUTHORIZATION_QUERY
  const cookies = new CookieJar()
  const sendRequest = (request: Request) => sendAsBrowser(request, send)
  await signInByForms(address.href, { ...CUSTOMER, cookies, sendRequest })
  return get(address.pathname + address.search, { Cookie: cookies.header })
}

async function sendAsBrowser(request: Request, send: Send): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  const { status, headers, body } = await send({
    method: request.method === 'POST' ? 'POST' : 'GET',
    path: pathname + search,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
  })
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().map((value): [string, string] => [name, value]),
  )
  return new Response(body, { status, headers: lines })
}

async function newCode(send: Send, authorize: HttpRequest): Promise<string> {
  const { headers, status, body } = await send(authorize)
  const location = headers.location
  const code = typeof location === 'string' ? new URL(location).searchParams.get('code') : null
  if (code === null) throw new Error(`authorize returned ${status} with the address ${location}: ${body}`)
  return code
}

function exchangeOf(code: string): HttpRequest {
  return post(TOKEN_PATH, {
    grant_type: 'authorization_code',
    ...STOREFRONT,
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: VERIFIER,
  })
}
