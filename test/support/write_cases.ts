import { consentIdOf } from '../../src/authorization/consent.ts'
import { UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import { generateVisitorId } from '../../src/users/visitor.ts'
import { asserted, KeyClient } from './assertions.ts'
import { authorizeUrl, CALLBACK, CODE_CLIENT, exchangeOf, newCode } from './authorize.ts'
import { CHALLENGE_PATH, challengeOf, STEP_CLIENT } from './challenge.ts'
import { newDocument } from './client_documents.ts'
import { credentials, ISSUER, PASSWORD, type TestClient, type TestServer } from './server.ts'

/** The address of every request of a flood. */
export const HERE = { 'CF-Connecting-IP': '198.51.100.9' }

/** The limits of a binding in a test. */
export const BINDING_BUDGET = 20

/** The records that prepare a flood. The requests for them have no address and use no budget. */
export interface World {
  server: TestServer
  /** The database of the server, whose written rows are counted. */
  database: D1Database
  /** A confidential client with every grant. */
  shop: TestClient
  /** A public client with every grant. */
  app: TestClient
}

/** Sends one request. `i` counts from 0. */
export type Send = (i: number) => Promise<Response>

/** A repeated request. */
export interface WriteCase {
  what: string
  /** The path below the issuer. */
  path: string
  /** The status of the first response, and its `error` if present. */
  expected: [status: number, error?: string]
  prepare(world: World): Promise<Send> | Send
  /** The number of requests that use up the budgets. Default: 100. More than 100 have the maximum of rows of a client. */
  toExhaust?: number
}

export const TOKEN = '/oauth2-token'
export const REVOKE = '/oauth2-token/revoke'
export const USERINFO = '/oauth2-token/userinfo'
const INTROSPECT = '/oauth2-token/introspect'

/** A case that posts the parameters of each request. */
export function posting(
  path: string,
  { server }: World,
  parametersOf: (i: number) => Record<string, unknown>,
  headers: Record<string, string> = {},
): Send {
  return (i) => server.postJson(parametersOf(i), { ...HERE, ...headers }, path)
}

export const signInAs = (client: TestClient, username: string, password: string = PASSWORD) => ({
  grant_type: 'password',
  ...credentials(client),
  username,
  password,
})
export const refreshOf = (client: TestClient, refresh_token: string | undefined) => ({
  grant_type: 'refresh_token',
  ...credentials(client),
  refresh_token,
})
export const machineOf = (client: TestClient) => ({
  grant_type: 'client_credentials',
  ...credentials(client),
})

/** Guests from before the flood. */
export async function guestsOf({ server }: World, client: TestClient, count: number) {
  return Promise.all(Array.from({ length: count }, () => server.signIn(client, 'guest', 'guest')))
}

const MANY = 160
const MACHINE = { grant_type: 'client_credentials' }

/** Exchanges a new code of one user in each request. */
export async function exchanging(world: World, changes: Record<string, string> = {}): Promise<Send> {
  const { server } = world
  const client = await server.addClient(CODE_CLIENT)
  const { id } = await server.addUser()
  const codes = await Promise.all(Array.from({ length: MANY }, () => newCode(server, client, id)))
  return posting(TOKEN, world, (i) => exchangeOf(client, codes[i] ?? null, changes))
}

/** Opens one address of the authorization endpoint in each request. */
async function opening({ server }: World, path: string, changes: Record<string, string> = {}): Promise<Send> {
  const client = await server.addClient(CODE_CLIENT)
  const url = authorizeUrl(client, changes).replace(`${ISSUER}/oauth2-token/authorize`, path)
  return () => server.fetch(url, { headers: HERE, redirect: 'manual' })
}

/** The tokens of a user with the identity scopes, and their client. */
async function openIdTokens({ server }: World) {
  const client = await server.addClient(CODE_CLIENT)
  const { id } = await server.addUser()
  const code = await newCode(server, client, id, { scope: ['openid', 'profile', 'email'] })
  return { client, ...(await server.requireTokens(exchangeOf(client, code))) }
}

/** Exchanges a new code of one user in each request, for a client that has no row before. */
async function exchangingForDocument(world: World): Promise<Send> {
  const { server } = world
  const { url: clientId, client } = await newDocument(server)
  await server.fetch(authorizeUrl(client).replace(ISSUER, ''))
  const { id: subject } = await server.addUser()
  const covered = { subject, clientId, api: 'agents', redirectUri: CALLBACK }
  const consent = { id: await consentIdOf(covered), given: true }
  const grant = { api: 'agents', scope: ['agent'], consent }
  const codes = await Promise.all(Array.from({ length: MANY }, () => newCode(server, client, subject, grant)))
  return posting(TOKEN, world, (i) => exchangeOf(client, codes[i] ?? null))
}

/** The requests that succeed. */
export const SUCCESSES: readonly WriteCase[] = [
  {
    what: 'codes of a client with a document',
    path: TOKEN,
    expected: [200],
    prepare: exchangingForDocument,
  },
  {
    what: 'new guests',
    path: TOKEN,
    expected: [200],
    prepare: (world) => posting(TOKEN, world, () => signInAs(world.app, 'guest', 'guest')),
  },
  {
    what: 'tokens of a client with keys',
    path: TOKEN,
    expected: [200],
    async prepare({ server }) {
      const client = await KeyClient.add(server)
      const assertions = await Promise.all(Array.from({ length: MANY }, () => client.sign()))
      return (i) => server.postJson({ ...MACHINE, ...asserted(assertions[i] ?? '') }, HERE)
    },
  },
  {
    what: 'sign-ins of one user',
    path: TOKEN,
    expected: [200],
    toExhaust: 40,
    async prepare(world) {
      const { username } = await world.server.addUser()
      return posting(TOKEN, world, () => signInAs(world.app, username))
    },
  },
  {
    what: 'sign-ins of one user in one step',
    path: CHALLENGE_PATH,
    expected: [200],
    toExhaust: 40,
    async prepare(world) {
      const client = await world.server.addClient(STEP_CLIENT)
      const { username } = await world.server.addUser()
      return posting(CHALLENGE_PATH, world, () => challengeOf(client, { username, password: PASSWORD }))
    },
  },
  {
    what: 'sign-ins with a visitor token that is spent',
    path: TOKEN,
    expected: [200],
    toExhaust: 40,
    async prepare(world) {
      const { username } = await world.server.addUser()
      const [guest] = await guestsOf(world, world.app, 1)
      const body = { ...signInAs(world.app, username), visitor_access_token: guest?.access_token }
      await world.server.requireTokens(body)
      return posting(TOKEN, world, () => body)
    },
  },
  {
    what: 'tokens of a client itself',
    path: TOKEN,
    expected: [200],
    toExhaust: 650,
    prepare: (world) => posting(TOKEN, world, () => machineOf(world.shop)),
  },
  {
    what: 'first refreshes of many guests',
    path: TOKEN,
    expected: [200],
    async prepare(world) {
      const guests = await guestsOf(world, world.app, MANY)
      return posting(TOKEN, world, (i) => refreshOf(world.app, guests[i]?.refresh_token))
    },
  },
  ...(['app', 'shop'] as const).map(
    (name): WriteCase => ({
      what: `a chain of refreshes by the ${name}`,
      path: TOKEN,
      expected: [200],
      async prepare(world) {
        const [guest] = await guestsOf(world, world[name], 1)
        let token = guest?.refresh_token
        return async () => {
          const response = await world.server.postJson(refreshOf(world[name], token), HERE)
          if (response.ok) token = (await response.clone().json<{ refresh_token: string }>()).refresh_token
          return response
        }
      },
    }),
  ),
  {
    what: 'refreshes with one token that stays valid (policy fixed)',
    path: TOKEN,
    expected: [200],
    async prepare(world) {
      const client = await world.server.addClient({ refreshPolicy: 'fixed' })
      const [guest] = await guestsOf(world, client, 1)
      return posting(TOKEN, world, () => refreshOf(client, guest?.refresh_token))
    },
  },
  {
    what: 'late retries with one token (policy until_used)',
    path: TOKEN,
    expected: [200],
    async prepare(world) {
      const client = await world.server.addClient({ refreshPolicy: 'until_used' })
      const [guest] = await guestsOf(world, client, 1)
      await world.server.refresh(client, guest?.refresh_token)
      world.server.clock.time += 3600
      return posting(TOKEN, world, () => refreshOf(client, guest?.refresh_token))
    },
  },
  {
    what: 'exchanges of many codes',
    path: TOKEN,
    expected: [200],
    prepare: (world) => exchanging(world),
  },
  {
    what: 'exchanges of codes that merge many guests',
    path: TOKEN,
    expected: [200],
    async prepare(world) {
      const { server } = world
      const client = await server.addClient(CODE_CLIENT)
      const { id } = await server.addUser()
      const visitors = Array.from({ length: MANY }, () => ({
        subject: generateVisitorId(),
        sid: server.services.shards.newSid(UNKNOWN_CALLER),
      }))
      const codes = await Promise.all(visitors.map((visitor) => newCode(server, client, id, { visitor })))
      return posting(TOKEN, world, (i) => exchangeOf(client, codes[i] ?? null))
    },
  },
  {
    what: 'authorization requests with an invalid visitor token',
    path: '/oauth2-token/authorize',
    expected: [200],
    prepare: (world) => opening(world, '/oauth2-token/authorize', { visitor_access_token: 'invalid' }),
  },
  {
    what: 'codes for new guests',
    path: '/oauth2-token/authorize-visitor',
    expected: [303],
    prepare: (world) => opening(world, '/oauth2-token/authorize-visitor'),
  },
  {
    what: 'retries of one refresh',
    path: TOKEN,
    expected: [200],
    async prepare(world) {
      const [guest] = await guestsOf(world, world.shop, 1)
      return posting(TOKEN, world, () => refreshOf(world.shop, guest?.refresh_token))
    },
  },
  {
    what: 'revocations by many guests',
    path: REVOKE,
    expected: [200],
    async prepare(world) {
      const guests = await guestsOf(world, world.app, MANY)
      const tokenOf = (i: number) => guests[i]?.access_token
      return posting(REVOKE, world, (i) => ({ ...credentials(world.app), token: tokenOf(i) }))
    },
  },
  {
    what: 'revocations of one machine token',
    path: REVOKE,
    expected: [200],
    async prepare(world) {
      const { access_token: token } = await world.server.requireTokens(machineOf(world.shop))
      return posting(REVOKE, world, () => ({ ...credentials(world.shop), token }))
    },
  },
  {
    what: 'introspections',
    path: INTROSPECT,
    expected: [200],
    async prepare(world) {
      const { access_token: token } = await world.server.requireTokens(machineOf(world.shop))
      return posting(INTROSPECT, world, () => ({ ...credentials(world.shop), token }))
    },
  },
  {
    what: 'userinfo of one user',
    path: USERINFO,
    expected: [200],
    async prepare(world) {
      const { access_token } = await openIdTokens(world)
      const headers = { ...HERE, Authorization: `Bearer ${access_token}` }
      return () => world.server.fetch(USERINFO, { headers })
    },
  },
  {
    what: 'a chain of refreshes with ID tokens',
    path: TOKEN,
    expected: [200],
    async prepare(world) {
      let { client, refresh_token: token } = await openIdTokens(world)
      return async () => {
        const response = await world.server.postJson(refreshOf(client, token), HERE)
        if (response.ok) token = (await response.clone().json<{ refresh_token: string }>()).refresh_token
        return response
      }
    },
  },
  ...[
    '/.well-known/jwks.json',
    '/revocations',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/webauthn',
    '/health',
    '/health/ready',
    '/',
  ].map(
    (path): WriteCase => ({
      what: 'reads',
      path,
      expected: [200],
      prepare:
        ({ server }) =>
        () =>
          server.fetch(path, { headers: HERE }),
    }),
  ),
]
