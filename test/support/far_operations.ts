import { authorize, authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, newCode } from './authorize.ts'
import {
  credentials,
  ISSUER,
  PASSWORD,
  type TestClient,
  type TestServer,
  type TokenResponse,
} from './server.ts'

/** A client with every grant of the operations. */
export const FAR_CLIENT = {
  ...CODE_CLIENT,
  grants: ['password', 'client_credentials', 'authorization_code', 'refresh_token'],
  confidential: true,
} satisfies Parameters<TestServer['addClient']>[0]

/** Creates the next request. A refresh needs the tokens of the last response, if one has been sent. */
export type NextRequest = (last: Response | null) => Request | Promise<Request>

/** A request that a shopper or a client waits for. */
export interface FarOperation {
  name: string
  /** Whether it reads or writes the session of a token. */
  usesSession: boolean
  /** Whether it differs from other operations only if the session is in an object with copies of its user. */
  needsCopies?: true
  /**
   * Prepares requests.
   *
   * @param server Makes what the requests need. It does not send them.
   */
  start: (server: TestServer, client: TestClient) => NextRequest | Promise<NextRequest>
}

function post(path: string, client: TestClient, parameters: Record<string, unknown>): Request {
  const headers = { 'Content-Type': 'application/json' }
  const body = JSON.stringify({ ...parameters, ...credentials(client) })
  return new Request(`${ISSUER}${path}`, { method: 'POST', headers, body })
}

const token = (client: TestClient, parameters: Record<string, unknown>) =>
  post('/oauth2-token', client, parameters)

const exchangeOfNewCode = async (server: TestServer, client: TestClient, subject: string) =>
  exchangeOf(client, await newCode(server, client, subject, { scope: ['openid'] }))

/** The operations of the tables in docs/performance.md. */
export const FAR_OPERATIONS: readonly FarOperation[] = [
  {
    name: 'guest token',
    usesSession: false,
    start: (_, client) => () =>
      token(client, { grant_type: 'password', username: 'guest', password: 'guest' }),
  },
  {
    name: 'machine token',
    usesSession: false,
    start: (_, client) => () => token(client, { grant_type: 'client_credentials' }),
  },
  {
    name: 'password sign-in',
    usesSession: false,
    start: async (server, client) => {
      const { username } = await server.addUser()
      return () => token(client, { grant_type: 'password', username, password: PASSWORD })
    },
  },
  {
    name: 'authorization of a signed-in user',
    usesSession: false,
    start: async (server, client) => {
      const browser = browserOf(server)
      await authorize(server, client, { username: (await server.addUser()).username, browser })
      const name = '__Host-sallyport-customers'
      const headers = { Cookie: `${name}=${browser.cookie(name)}` }
      return () => new Request(authorizeUrl(client, { scope: 'openid cart' }), { headers })
    },
  },
  {
    name: 'refresh',
    usesSession: true,
    start: async (server, client) => {
      const { username } = await server.addUser()
      let { refresh_token } = await server.signIn(client, username)
      refresh_token = (await server.refresh(client, refresh_token)).refresh_token
      return async (last) => {
        if (last !== null) refresh_token = (await last.json<TokenResponse>()).refresh_token
        return token(client, { grant_type: 'refresh_token', refresh_token })
      }
    },
  },
  {
    name: 'first refresh of a user',
    usesSession: true,
    needsCopies: true,
    start: (server, client) => async () => {
      const { username } = await server.addUser()
      const { refresh_token } = await server.signIn(client, username)
      return token(client, { grant_type: 'refresh_token', refresh_token })
    },
  },
  {
    name: 'code exchange with an ID token',
    usesSession: true,
    start: async (server, client) => {
      const { id } = await server.addUser()
      return async () => token(client, await exchangeOfNewCode(server, client, id))
    },
  },
  {
    name: 'userinfo',
    usesSession: true,
    start: async (server, client) => {
      const { id } = await server.addUser()
      const { access_token } = await server.requireTokens(await exchangeOfNewCode(server, client, id))
      const headers = { Authorization: `Bearer ${access_token}` }
      return () => new Request(`${ISSUER}/oauth2-token/userinfo`, { headers })
    },
  },
  {
    name: 'revocation',
    usesSession: true,
    start: async (server, client) => {
      const { username } = await server.addUser()
      return async () =>
        post('/oauth2-token/revoke', client, { token: (await server.signIn(client, username)).refresh_token })
    },
  },
]
