import { untilAudited } from '../support/audit_lag.ts'

/** The secret and names of the demo data. */
const CUSTOMER = { username: 'amanda@example.com', password: 'correct horse battery staple' }
const CLIENT = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }

interface Tokens {
  access_token: string
  refresh_token: string
}

/** Requests tokens from the service. */
export async function requestTokens(
  issuer: string,
  parameters: Record<string, string>,
): Promise<{ status: number; body: Tokens }> {
  const response = await fetch(`${issuer}/oauth2-token`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
  })
  return { status: response.status, body: await response.json() }
}

/** Signs the demo customer in, so that an operator sees the session. */
export async function signInCustomer(
  issuer: string,
  client: Record<string, string> = CLIENT,
): Promise<Tokens> {
  const { status, body } = await requestTokens(issuer, { grant_type: 'password', ...client, ...CUSTOMER })
  if (status !== 200) throw new Error(`the customer cannot sign in: ${status} ${JSON.stringify(body)}`)
  await untilAudited()
  return body
}

export function refresh(issuer: string, { refresh_token }: Tokens, client: Record<string, string> = CLIENT) {
  return requestTokens(issuer, { grant_type: 'refresh_token', ...client, refresh_token })
}

/** Creates data for every page. */
export async function makeTraffic(issuer: string): Promise<void> {
  const guest = {
    grant_type: 'password',
    client_id: 'storefront-public',
    username: 'guest',
    password: 'guest',
  }
  for (let i = 0; i < 14; i++) await requestTokens(issuer, guest)
  for (let i = 0; i < 5; i++) await requestTokens(issuer, { grant_type: 'client_credentials', ...CLIENT })
  for (let i = 0; i < 3; i++) {
    const tokens = await signInCustomer(issuer)
    await refresh(issuer, tokens)
    await refresh(issuer, tokens)
  }
  await requestTokens(issuer, { grant_type: 'password', ...CLIENT, ...CUSTOMER, password: 'wrong' })
}
