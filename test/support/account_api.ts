import { compact } from '../../src/lib/compact.ts'
import { credentials, type TestClient, type TestServer } from './server.ts'

/** The path of the JSON API of a pool. */
export const accountApi = (pool = 'customers') => `/account/${pool}/api`

/** The fields of a client whose tokens the JSON API accepts. */
export const SHOP_CLIENT = {
  grants: ['password', 'refresh_token'],
  isFirstParty: true,
} satisfies Parameters<TestServer['addClient']>[0]

interface ApiRequest {
  token?: string | undefined
  body?: unknown
  pool?: string
  headers?: Record<string, string>
}

export interface ApiReply {
  status: number
  headers: Headers
  /** Null for an empty body. */
  body: unknown
}

/** Calls an operation, such as `GET /sessions`. */
export async function callAccount(
  server: TestServer,
  operation: string,
  { token, body, pool, headers }: ApiRequest = {},
): Promise<ApiReply> {
  const [method = '', path = ''] = operation.split(' ')
  const init = compact({
    method,
    headers: compact({
      Authorization: token === undefined ? undefined : `Bearer ${token}`,
      'Content-Type': body === undefined ? undefined : 'application/json',
      ...headers,
    }),
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const response = await server.fetch(accountApi(pool) + (path === '/' ? '' : path), init)
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? null : JSON.parse(text),
  }
}

/** The access token of a new session of a user. */
export async function tokenOf(server: TestServer, client: TestClient, username: string): Promise<string> {
  return (await server.signIn(client, username)).access_token
}

/** Sends an operation of a client, without a user. */
export function callAsClient(
  server: TestServer,
  path: string,
  { client, pool, ...members }: { client: TestClient; pool?: string } & Record<string, unknown>,
): Promise<ApiReply> {
  const body = { ...credentials(client), ...members }
  return callAccount(server, `POST ${path}`, compact({ body, pool }))
}
