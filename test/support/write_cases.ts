import { env } from 'cloudflare:workers'
import type { Refusal } from '../../src/oauth/errors.ts'
import { D1_DOWN } from './faults.ts'
import { basic, credentials, PASSWORD, type TestClient, TestServer } from './server.ts'

/** The one address that every request of a flood comes from. */
export const HERE = { 'CF-Connecting-IP': '198.51.100.9' }

/** What a binding lets through in a test. */
export const BINDING_BUDGET = 20

/** What a flood is prepared with. The requests that prepare it come from no address, and draw on no binding. */
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

/** A request that is sent again and again. */
export interface WriteCase {
  what: string
  /** Below the issuer. */
  path: string
  /** The status of the first response, and its `error` where it has one. */
  expected: [status: number, error?: string]
  prepare(world: World): Promise<Send> | Send
  /** How many requests use up the budgets; 100 where it is absent. */
  toExhaust?: number
}

const TOKEN = '/oauth2-token'
const REVOKE = '/oauth2-token/revoke'
const INTROSPECT = '/oauth2-token/introspect'
const BAD_GRANT: [number, string] = [400, 'invalid_grant']
const BAD_REQUEST: [number, string] = [400, 'invalid_request']

/** Posts the parameters that each request has. */
function posting(
  path: string,
  { server }: World,
  parametersOf: (i: number) => Record<string, unknown>,
  headers: Record<string, string> = {},
): Send {
  return (i) => server.postJson(parametersOf(i), { ...HERE, ...headers }, path)
}

const signInAs = (client: TestClient, username: string, password: string = PASSWORD) => ({
  grant_type: 'password',
  ...credentials(client),
  ...{ username, password },
})
const refreshOf = (client: TestClient, refresh_token: string | undefined) => ({
  grant_type: 'refresh_token',
  ...credentials(client),
  refresh_token,
})
const machineOf = (client: TestClient) => ({ grant_type: 'client_credentials', ...credentials(client) })

/** Guests who are there before the flood. */
async function guestsOf({ server }: World, client: TestClient, count: number) {
  return Promise.all(Array.from({ length: count }, () => server.signIn(client, 'guest', 'guest')))
}

const MANY = 160

/** What succeeds. */
export const SUCCESSES: readonly WriteCase[] = [
  {
    ...{ what: 'new guests', path: TOKEN, expected: [200] },
    prepare: (world) => posting(TOKEN, world, () => signInAs(world.app, 'guest', 'guest')),
  },
  {
    ...{ what: 'sign-ins of one user', path: TOKEN, expected: [200], toExhaust: 40 },
    async prepare(world) {
      const { username } = await world.server.addUser()
      return posting(TOKEN, world, () => signInAs(world.app, username))
    },
  },
  {
    ...{ what: 'sign-ins with a visitor token that is spent', path: TOKEN, expected: [200], toExhaust: 40 },
    async prepare(world) {
      const { username } = await world.server.addUser()
      const [guest] = await guestsOf(world, world.app, 1)
      const body = { ...signInAs(world.app, username), visitor_access_token: guest?.access_token }
      await world.server.requireTokens(body)
      return posting(TOKEN, world, () => body)
    },
  },
  {
    ...{ what: 'tokens of a client itself', path: TOKEN, expected: [200], toExhaust: 650 },
    prepare: (world) => posting(TOKEN, world, () => machineOf(world.shop)),
  },
  {
    ...{ what: 'first refreshes of many guests', path: TOKEN, expected: [200] },
    async prepare(world) {
      const guests = await guestsOf(world, world.app, MANY)
      return posting(TOKEN, world, (i) => refreshOf(world.app, guests[i]?.refresh_token))
    },
  },
  ...(['app', 'shop'] as const).map(
    (name): WriteCase => ({
      ...{ what: `a chain of refreshes by the ${name}`, path: TOKEN, expected: [200] },
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
    ...{ what: 'retries of one refresh', path: TOKEN, expected: [200] },
    async prepare(world) {
      const [guest] = await guestsOf(world, world.shop, 1)
      return posting(TOKEN, world, () => refreshOf(world.shop, guest?.refresh_token))
    },
  },
  {
    ...{ what: 'revocations by many guests', path: REVOKE, expected: [200] },
    async prepare(world) {
      const guests = await guestsOf(world, world.app, MANY)
      const tokenOf = (i: number) => guests[i]?.access_token
      return posting(REVOKE, world, (i) => ({ ...credentials(world.app), token: tokenOf(i) }))
    },
  },
  {
    ...{ what: 'revocations of one machine token', path: REVOKE, expected: [200] },
    async prepare(world) {
      const { access_token: token } = await world.server.requireTokens(machineOf(world.shop))
      return posting(REVOKE, world, () => ({ ...credentials(world.shop), token }))
    },
  },
  {
    ...{ what: 'introspections', path: INTROSPECT, expected: [200] },
    async prepare(world) {
      const { access_token: token } = await world.server.requireTokens(machineOf(world.shop))
      return posting(INTROSPECT, world, () => ({ ...credentials(world.shop), token }))
    },
  },
  ...[
    '/.well-known/jwks.json',
    '/revocations',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/health',
    '/health/ready',
  ].map(
    (path): WriteCase => ({
      ...{ what: 'reads', path, expected: [200] },
      prepare:
        ({ server }) =>
        () =>
          server.fetch(path, { headers: HERE }),
    }),
  ),
]

/** A refused request to the token endpoint with the parameters of each. */
function refused(
  what: string,
  expected: WriteCase['expected'],
  parametersOf: (world: World) => Record<string, unknown> | Promise<Record<string, unknown>>,
): WriteCase {
  return {
    ...{ what, path: TOKEN, expected },
    async prepare(world) {
      const parameters = await parametersOf(world)
      return posting(TOKEN, world, () => parameters)
    },
  }
}

/** A refresh token whose session ended, by what `end` does to it. */
function deadRefresh(
  what: string,
  end: (world: World, token: string, subject: string) => Promise<unknown>,
): WriteCase {
  return refused(what, BAD_GRANT, async (world) => {
    const user = await world.server.addUser()
    const { refresh_token: token = '' } = await world.server.signIn(world.app, user.username)
    await end(world, token, user.id)
    return refreshOf(world.app, token)
  })
}

/** Every kind of refusal. A kind without a case does not compile. */
export const REFUSALS: Readonly<Record<Refusal['kind'], readonly WriteCase[]>> = {
  malformed_request: [
    {
      ...{ what: 'parameters in the address', path: TOKEN, expected: BAD_REQUEST },
      prepare: (world) => posting(`${TOKEN}?a=b`, world, () => machineOf(world.shop)),
    },
  ],
  missing_parameter: [refused('no grant_type', BAD_REQUEST, ({ shop }) => credentials(shop))],
  not_a_string: [
    refused('a number for a name', BAD_REQUEST, ({ app }) => ({ ...signInAs(app, 'x'), username: 1 })),
  ],
  invalid_target: [
    refused('a resource', [400, 'invalid_target'], ({ shop }) => ({
      ...machineOf(shop),
      resource: 'https://shop.test/api',
    })),
  ],
  misdirected_request: [
    {
      ...{ what: 'a request for another host', path: TOKEN, expected: [421, 'invalid_request'] },
      prepare:
        ({ server }) =>
        () =>
          server.send(
            new Request(`https://other.test${TOKEN}`, { method: 'POST', headers: HERE, body: '{}' }),
          ),
    },
  ],
  body_too_large: [
    refused('a large body', [413, 'invalid_request'], ({ app }) => signInAs(app, 'x'.repeat(20_000))),
  ],
  method_not_allowed: [
    {
      ...{ what: 'another method', path: TOKEN, expected: [405, 'invalid_request'] },
      prepare:
        ({ server }) =>
        () =>
          server.fetch(TOKEN, { method: 'PUT', headers: HERE }),
    },
  ],
  not_found: [
    {
      ...{ what: 'other paths', path: '/nowhere', expected: [404, 'invalid_request'] },
      prepare:
        ({ server }) =>
        (i) =>
          server.fetch(`/nowhere/${i}`, { headers: HERE }),
    },
  ],
  unsupported_grant_type: [
    refused('an unknown grant', [400, 'unsupported_grant_type'], ({ shop }) => ({
      ...credentials(shop),
      grant_type: 'implicit',
    })),
  ],
  invalid_client: [
    {
      ...{ what: 'a wrong client secret', path: TOKEN, expected: [401, 'invalid_client'] },
      prepare: (world) => {
        const headers = { Authorization: basic(world.shop.id, 'wrong') }
        return posting(TOKEN, world, () => ({ grant_type: 'client_credentials' }), headers)
      },
    },
    {
      ...{ what: 'unknown clients', path: TOKEN, expected: [401, 'invalid_client'] },
      prepare: (world) =>
        posting(TOKEN, world, (i) => ({
          grant_type: 'password',
          client_id: `unknown-${i}`,
          username: 'x',
          password: 'y',
        })),
    },
  ],
  unauthorized_client: [
    refused('a grant that the client may not use', [400, 'unauthorized_client'], ({ app }) => machineOf(app)),
  ],
  wrong_credentials: [
    refused('a name that nobody can have', BAD_GRANT, ({ app }) => signInAs(app, '\0')),
    {
      ...refused('the same by a confidential client', BAD_GRANT, ({ shop }) => signInAs(shop, '\0')),
      toExhaust: 650,
    },
    {
      ...refused('a wrong password', BAD_GRANT, async ({ app, server }) =>
        signInAs(app, (await server.addUser()).username, 'wrong'),
      ),
      toExhaust: 40,
    },
    {
      ...refused('a disabled user', BAD_GRANT, async ({ app, server }) =>
        signInAs(app, (await server.addUser({ enabled: false })).username),
      ),
      toExhaust: 40,
    },
    {
      ...{ what: 'made-up names', path: TOKEN, expected: BAD_GRANT, toExhaust: 60 },
      prepare: (world) => posting(TOKEN, world, (i) => signInAs(world.app, `nobody-${i}@example.com`)),
    },
  ],
  challenge_required: [
    {
      ...{ what: 'a sign-in without its challenge', path: TOKEN, expected: [400, 'challenge_required'] },
      async prepare({ server, app, database }) {
        const challenging = new TestServer({
          config: { challenge: { verify_url: 'https://challenge.test/siteverify' } },
          env: { CHALLENGE_SECRET: crypto.randomUUID(), DB: database },
          clock: server.clock,
        })
        const { username } = await server.addUser()
        await challenging.postJson(signInAs(app, username, 'wrong'), HERE)
        return () => challenging.postJson(signInAs(app, username), HERE)
      },
    },
  ],
  invalid_refresh_token: [
    refused('no refresh token of ours', BAD_GRANT, ({ app }) => refreshOf(app, 'garbage')),
    refused("another client's refresh token", BAD_GRANT, async (world) => {
      const [guest] = await guestsOf(world, world.shop, 1)
      return refreshOf(world.app, guest?.refresh_token)
    }),
    deadRefresh('a refresh token of a session that was revoked', ({ server, app }, token) =>
      server.postJson({ ...credentials(app), token }, {}, REVOKE),
    ),
    deadRefresh('a refresh token of a disabled user', ({ server }, _token, subject) =>
      server.services.signOut.disableUser(subject, server.context()),
    ),
    deadRefresh('a refresh token that was used long ago', async ({ server, app }, token) => {
      await server.refresh(app, token)
      server.clock.time += 61
    }),
    deadRefresh('a refresh token that has expired', async ({ server }) => {
      server.clock.time += 31 * 86_400
    }),
  ],
  foreign_token: [
    {
      ...{ what: "another client's token", path: REVOKE, expected: BAD_GRANT },
      async prepare(world) {
        const [guest] = await guestsOf(world, world.shop, 1)
        return posting(REVOKE, world, () => ({ ...credentials(world.app), token: guest?.access_token }))
      },
    },
  ],
  invalid_scope: [
    refused('a scope that the client does not have', [400, 'invalid_scope'], ({ shop }) => ({
      ...machineOf(shop),
      scope: 'everything',
    })),
  ],
  temporarily_unavailable: [
    {
      ...{ what: 'a sign-in while D1 is away', path: TOKEN, expected: [503, 'temporarily_unavailable'] },
      async prepare(world) {
        const { server, app } = world
        await guestsOf(world, app, 1)
        const away = new TestServer({ env: { DB: D1_DOWN }, clock: server.clock })
        return (i) => away.postJson(signInAs(app, `somebody-${i}`), HERE)
      },
    },
  ],
  too_many_attempts: [
    {
      ...{ what: 'guests past their budget', path: TOKEN, expected: [429, 'temporarily_unavailable'] },
      async prepare(world) {
        const send = posting(TOKEN, world, () => signInAs(world.app, 'guest', 'guest'))
        for (let i = 0; i < BINDING_BUDGET; i++) await send(i)
        return send
      },
    },
  ],
  server_error: [
    refused('a user whose row is broken', [500, 'server_error'], async ({ app, server }) => {
      const { username } = await server.addUser()
      await env.DB.prepare("UPDATE users SET roles = '{}' WHERE username = ?").bind(username).run()
      return signInAs(app, username)
    }),
  ],
}
