/** What a sign-in answers. */
export interface Tokens {
  access_token: string
  refresh_token: string
}

const CLIENT = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
const CUSTOMER = { username: 'amanda@example.com', password: 'correct horse battery staple' }

/** A new session of the demo data's customer, over HTTP. */
export async function signIn(issuer: string): Promise<Tokens> {
  const response = await post(`${issuer}/oauth2-token`, { grant_type: 'password', ...CLIENT, ...CUSTOMER })
  return (await response.json()) as Tokens
}

/** Ends the session of a token. */
export async function revoke(issuer: string, token: string): Promise<void> {
  await post(`${issuer}/oauth2-token/revoke`, { ...CLIENT, token })
}

/** The status that an API answers a token with. */
export async function statusAt(url: string, { access_token }: Tokens): Promise<number> {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${access_token}` } })
  await response.body?.cancel()
  return response.status
}

async function post(url: string, parameters: Record<string, string>): Promise<Response> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response
}
