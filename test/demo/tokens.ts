import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { compact } from '../../src/lib/compact.ts'

const demo = inject('demo')

export const CUSTOMER = { username: 'amanda@example.com', password: 'correct horse battery staple' }
export const GUEST = { username: 'guest', password: 'guest' }
export const ADMIN = { username: 'admin', password: 'back office battery staple' }
export const CLERK = { username: 'clerk', password: 'back office battery staple' }

/** The client of the shop. */
export const SHOP = { client_id: 'shop-demo', client_secret: 'shop-demo-secret' }

export interface Tokens {
  access_token: string
  refresh_token: string
}

/** Requests storefront tokens as the server of the shop. */
export function storefrontTokens(parameters: Record<string, string>): Promise<Tokens> {
  return requestTokens({ ...SHOP, grant_type: 'password', ...parameters })
}

/** Requests back-office tokens as its confidential client. */
export function backofficeTokens(parameters: Record<string, string>): Promise<Tokens> {
  const client = { client_id: 'backoffice-demo', client_secret: 'backoffice-demo-secret' }
  return requestTokens({ ...client, grant_type: 'password', ...parameters })
}

export async function requestTokens(parameters: Record<string, string>): Promise<Tokens> {
  const body = new URLSearchParams(parameters)
  const response = await fetch(`${demo.issuer}/oauth2-token`, { method: 'POST', body })
  if (response.ok) return (await response.json()) as Tokens
  throw new Error(`${response.status} ${await response.text()}`)
}

/** Creates the account of a customer by steps, as the server of the shop. @param readCode Reads the code of the mail */
export async function signUp(username: string, readCode: () => Promise<string>): Promise<void> {
  const send = async (input: Record<string, string>): Promise<{ auth_session?: string }> => {
    const body = new URLSearchParams({ ...SHOP, response_type: 'code', ...PKCE, ...input })
    return (await fetch(`${demo.issuer}/oauth2-token/challenge`, { method: 'POST', body })).json()
  }
  const { auth_session: named = '' } = await send({ prompt: 'create', username })
  const { auth_session = '' } = await send({ auth_session: named, email_code: await readCode() })
  await send({ auth_session, password: CUSTOMER.password })
}

const PKCE = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }

/** Adds a customer, as an operator does. */
export async function addCustomer(): Promise<typeof CUSTOMER> {
  const customer = { username: `customer-${randomUUID()}@example.com`, password: CUSTOMER.password }
  const operator = { client_id: 'sallyport-cli', grant_type: 'password', ...operatorOf(demo.output) }
  const { access_token: token } = await requestTokens(operator)
  const body = { pool: 'customers', ...customer }
  const { status } = await ask(`${demo.issuer}/admin/api/users`, { token, method: 'POST', body })
  if (status !== 201) throw new Error(`the user was not added: ${status}`)
  return customer
}

/** The operator whom the output of the demo names. */
export function operatorOf(output: string): { username: string; password: string } {
  const [, username = '', password = ''] =
    /Sign in to the console as (\S+) with the password: (.+)\n/.exec(output) ?? []
  return { username, password }
}

/** Sends a request to an API. @returns The status, the challenge and the JSON body of the response */
export async function ask(
  url: string,
  { token, method = 'GET', body }: { token?: string; method?: string; body?: unknown } = {},
): Promise<{ status: number; challenge: string | null; body: unknown }> {
  const response = await fetch(
    url,
    compact({
      method,
      headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    }),
  )
  const challenge = response.headers.get('WWW-Authenticate')
  return { status: response.status, challenge, body: await response.json() }
}
