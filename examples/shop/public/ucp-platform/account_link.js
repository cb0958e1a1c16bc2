import { require, send } from './discovery.js'

const CLIENT_ID = 'ucp-platform'
const REDIRECT_URI = new URL('/ucp-platform/', location.href).href
/** The attempt to link, until the user returns. */
const ATTEMPT = 'ucp-platform:attempt'
const LINK = 'ucp-platform:link'

/** The linked account: its tokens, scope and revocation endpoint. Null before the linking. */
export function readLink() {
  return JSON.parse(sessionStorage.getItem(LINK))
}

/**
 * Sends the user to the authorization server (code flow, PKCE with S256, RFC 8707).
 *
 * @param server The metadata of the authorization server
 * @param {string} resource The API whose audience the token has
 * @param {string} scope The missing scopes
 */
export async function startLinking(server, { resource, scope }) {
  for (const name of scope.split(' '))
    require(server.scopes_supported.includes(name), `The server does not know the scope ${name}.`)
  const attempt = { server, resource, state: randomText(), verifier: randomText() }
  sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt))
  const url = new URL(server.authorization_endpoint)
  const parameters = {
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    scope,
    state: attempt.state,
    resource,
    code_challenge: await hash(attempt.verifier),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  location.assign(url)
}

/**
 * Reads the response of the authorization server from the address of the page, and exchanges the code.
 *
 * @returns True if the account is linked now, false if the address has no response
 * @throws PlatformError if the response is not for this attempt or issuer, or if the user or the server refuses
 */
export async function finishLinking() {
  const response = new URLSearchParams(location.search)
  if (!response.has('state')) return false
  const attempt = JSON.parse(sessionStorage.getItem(ATTEMPT))
  sessionStorage.removeItem(ATTEMPT)
  history.replaceState(null, '', location.pathname)
  require(attempt !== null &&
    response.get('state') === attempt.state, 'The response is not for this attempt.')
  const { server, resource, verifier } = attempt
  require(response.get('iss') === server.issuer, 'The response is from another issuer (RFC 9207).')
  const earlier = readLink()
  require(!response.has('error'), describeRefusal(response.get('error'), earlier))
  const exchange = await post(server.token_endpoint, {
    grant_type: 'authorization_code',
    code: response.get('code'),
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
    resource,
  })
  const tokens = await exchange.json()
  require(exchange.ok, `The server refused the code: ${tokens.error}.`)
  const { revocation_endpoint: revocationEndpoint } = server
  sessionStorage.setItem(LINK, JSON.stringify({ ...tokens, revocationEndpoint }))
  // The new tokens have the earlier scopes too. The earlier tokens belong to another session, which a later unlinking would not end.
  if (earlier !== null) await revoke(earlier.refresh_token, revocationEndpoint)
  return true
}

function describeRefusal(error, earlier) {
  if (earlier === null) return `The account is not linked: ${error}.`
  return error === 'access_denied' ? 'The user did not allow the scope.' : `No scope was added: ${error}.`
}

/** Ends the access of the linked account. */
export async function unlink() {
  const { revocationEndpoint, refresh_token: token } = readLink()
  await revoke(token, revocationEndpoint)
  sessionStorage.removeItem(LINK)
}

/** Revokes a refresh token. UCP requires that its access tokens end at once (RFC 7009). */
async function revoke(token, revocationEndpoint) {
  const response = await post(revocationEndpoint, { token, token_type_hint: 'refresh_token' })
  // A browser keeps a request open until its response is read.
  await response.text()
  require(response.ok, 'The server did not revoke the tokens. Unlink the account.')
}

function post(url, parameters) {
  return send(url, { method: 'POST', body: new URLSearchParams({ client_id: CLIENT_ID, ...parameters }) })
}

function randomText() {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
}

async function hash(text) {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

function toBase64Url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
