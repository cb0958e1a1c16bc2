/** The response of a sign-in. */
export interface Tokens {
  access_token: string
  refresh_token: string
}

const STOREFRONT = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
const BACKOFFICE = { client_id: 'backoffice-demo', client_secret: 'backoffice-demo-secret' }

// The customer of the demo data.
export const CUSTOMER = {
  ...STOREFRONT,
  username: 'amanda@example.com',
  password: 'correct horse battery staple',
}
export const STAFF = { ...BACKOFFICE, username: 'admin', password: 'back office battery staple' }
export const GUEST = { client_id: 'storefront-public', username: 'guest', password: 'guest' }

/** The tokens of a new session, over HTTP. */
export async function requestTokens(issuer: string, parameters: Record<string, string>): Promise<Tokens> {
  const response = await post(`${issuer}/oauth2-token`, { grant_type: 'password', ...parameters })
  return (await response.json()) as Tokens
}

/** A new session of the demo data's customer. */
export function signIn(issuer: string): Promise<Tokens> {
  return requestTokens(issuer, CUSTOMER)
}

/** Ends the session of a storefront token. */
export async function revoke(issuer: string, token: string): Promise<void> {
  await post(`${issuer}/oauth2-token/revoke`, { ...STOREFRONT, token })
}

/** The status of an API's response to a request with or without a token. */
export async function statusAt(url: string, token: string | null): Promise<number> {
  const headers: HeadersInit = token === null ? {} : { Authorization: `Bearer ${token}` }
  const response = await fetch(url, { headers })
  await response.body?.cancel()
  return response.status
}

async function post(url: string, parameters: Record<string, string>): Promise<Response> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response
}
