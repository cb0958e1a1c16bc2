import { env } from 'cloudflare:workers'
import type { Refusal } from '../../src/oauth/errors.ts'
import { ACCOUNT_API_REFUSALS, NO_ACCOUNT_SCOPE } from './account_api_write_cases.ts'
import { asserted, KeyClient } from './assertions.ts'
import { CODE_CLIENT, exchangeOf, newCode } from './authorize.ts'
import { begin, beginAccount, CHALLENGE_PATH, challengeOf, STEP_CLIENT, step } from './challenge.ts'
import { DpopKey } from './dpop.ts'
import { D1_DOWN } from './faults.ts'
import { RemoteDocuments } from './remote_documents.ts'
import { enrol } from './second_factor.ts'
import { basic, credentials, PASSWORD, TestServer } from './server.ts'
import { disableUser } from './sign_out.ts'
import {
  BINDING_BUDGET,
  exchanging,
  guestsOf,
  HERE,
  machineOf,
  posting,
  REVOKE,
  refreshOf,
  signInAs,
  TOKEN,
  USERINFO,
  type World,
  type WriteCase,
} from './write_cases.ts'

const AUTHORIZE = '/oauth2-token/authorize'
const PAR = '/oauth2-token/par'

const BAD_GRANT: [number, string] = [400, 'invalid_grant']
const BAD_REQUEST: [number, string] = [400, 'invalid_request']

/** A case for the token endpoint whose requests have the parameters. */
function refused(
  what: string,
  expected: WriteCase['expected'],
  parametersOf: (world: World) => Record<string, unknown> | Promise<Record<string, unknown>>,
): WriteCase {
  return {
    what,
    path: TOKEN,
    expected,
    async prepare(world) {
      const parameters = await parametersOf(world)
      return posting(TOKEN, world, () => parameters)
    },
  }
}

/** A refresh token whose session `end` has ended. */
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

/** Requests to userinfo with an Authorization header. */
function asking(
  what: string,
  expected: WriteCase['expected'],
  tokenOf: (world: World) => Promise<string | null> | string | null,
): WriteCase {
  return {
    what,
    path: USERINFO,
    expected,
    async prepare(world) {
      const token = await tokenOf(world)
      const headers = { ...HERE, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) }
      return () => world.server.fetch(USERINFO, { headers })
    },
  }
}

/** Every kind of refusal. A kind without a case does not compile. */
export const REFUSALS: Readonly<Record<Refusal['kind'], readonly WriteCase[]>> = {
  ...ACCOUNT_API_REFUSALS,
  malformed_request: [
    {
      what: 'parameters in the address',
      path: TOKEN,
      expected: BAD_REQUEST,
      prepare: (world) => posting(`${TOKEN}?a=b`, world, () => machineOf(world.shop)),
    },
  ],
  missing_parameter: [refused('no grant_type', BAD_REQUEST, ({ shop }) => credentials(shop))],
  not_a_string: [
    refused('a number for a name', BAD_REQUEST, ({ app }) => ({ ...signInAs(app, 'x'), username: 1 })),
  ],
  invalid_target: [
    refused('another resource', [400, 'invalid_target'], ({ shop }) => ({
      ...machineOf(shop),
      resource: 'https://other.test/api',
    })),
  ],
  misdirected_request: [
    {
      what: 'a request for another host',
      path: TOKEN,
      expected: [421, 'invalid_request'],
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
      what: 'another method',
      path: TOKEN,
      expected: [405, 'invalid_request'],
      prepare:
        ({ server }) =>
        () =>
          server.fetch(TOKEN, { method: 'PUT', headers: HERE }),
    },
  ],
  not_found: [
    {
      what: 'other paths',
      path: '/nowhere',
      expected: [404, 'invalid_request'],
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
      what: 'a wrong client secret',
      path: TOKEN,
      expected: [401, 'invalid_client'],
      prepare: (world) => {
        const headers = { Authorization: basic(world.shop.id, 'wrong') }
        return posting(TOKEN, world, () => ({ grant_type: 'client_credentials' }), headers)
      },
    },
    refused('an assertion that was used before', [401, 'invalid_client'], async ({ server }) => {
      const client = await KeyClient.add(server)
      const body = { grant_type: 'client_credentials', ...asserted(await client.sign()) }
      await server.requireTokens(body)
      return body
    }),
    {
      what: 'unknown clients',
      path: TOKEN,
      expected: [401, 'invalid_client'],
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
    refused('a username that is not allowed', BAD_GRANT, ({ app }) => signInAs(app, '\0')),
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
      what: 'wrong second factors',
      path: CHALLENGE_PATH,
      expected: BAD_GRANT,
      toExhaust: 40,
      async prepare(world) {
        const { server } = world
        const shop = await server.addClient(STEP_CLIENT)
        const { user } = await enrol(server, await server.addUser())
        const { auth_session } = await step(server, shop, { username: user.username, password: PASSWORD })
        return posting(CHALLENGE_PATH, world, () => challengeOf(shop, { auth_session, totp: 'wrong' }))
      },
    },
    {
      what: 'made-up names',
      path: TOKEN,
      expected: BAD_GRANT,
      toExhaust: 60,
      prepare: (world) => posting(TOKEN, world, (i) => signInAs(world.app, `nobody-${i}@example.com`)),
    },
  ],
  insufficient_authorization: [
    {
      what: 'a right password of a user with a second factor',
      path: TOKEN,
      expected: [403, 'insufficient_authorization'],
      toExhaust: 40,
      async prepare(world) {
        const { server } = world
        const own = await server.addClient({ confidential: false, grants: ['password'], isFirstParty: true })
        const { user } = await enrol(server, await server.addUser())
        return posting(TOKEN, world, () => signInAs(own, user.username))
      },
    },
  ],
  more_needed: [
    {
      what: 'requests for codes by mail',
      path: CHALLENGE_PATH,
      expected: [400, 'insufficient_authorization'],
      async prepare(world) {
        const shop = await world.server.addClient(STEP_CLIENT)
        return posting(CHALLENGE_PATH, world, (i) =>
          challengeOf(shop, { username: `nobody-${i}@example.com` }),
        )
      },
    },
  ],
  invalid_session: [
    {
      what: 'uses of one auth_session',
      path: CHALLENGE_PATH,
      expected: [400, 'invalid_session'],
      toExhaust: 40,
      async prepare(world) {
        const { server } = world
        const shop = await server.addClient(STEP_CLIENT)
        const { username } = await server.addUser()
        const { auth_session } = await begin(server, shop)
        const body = challengeOf(shop, { auth_session, username, password: PASSWORD })
        await server.postJson(body, {}, CHALLENGE_PATH)
        return posting(CHALLENGE_PATH, world, () => body)
      },
    },
  ],
  refused_password: [
    {
      what: 'refused passwords of a new account',
      path: CHALLENGE_PATH,
      expected: [400, 'refused_password'],
      toExhaust: 40,
      async prepare(world) {
        const { server } = world
        const shop = await server.addClient(STEP_CLIENT)
        const { auth_session } = await beginAccount(server, shop, 'visitor@example.com')
        return posting(CHALLENGE_PATH, world, () => challengeOf(shop, { auth_session, password: 'short' }))
      },
    },
  ],
  redirect_to_web: [
    {
      what: 'sign-ins of a user who must change the password',
      path: CHALLENGE_PATH,
      expected: [400, 'redirect_to_web'],
      toExhaust: 40,
      async prepare(world) {
        const shop = await world.server.addClient(STEP_CLIENT)
        const { username } = await world.server.addUser({ mustChangePassword: true })
        return posting(CHALLENGE_PATH, world, () => challengeOf(shop, { username, password: PASSWORD }))
      },
    },
  ],
  challenge_required: [
    {
      what: 'a sign-in without its challenge',
      path: TOKEN,
      expected: [400, 'challenge_required'],
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
      disableUser(server, subject),
    ),
    deadRefresh('a refresh token that was used long ago', async ({ server, app }, token) => {
      await server.refresh(app, token)
      server.clock.time += 61
    }),
    deadRefresh('a refresh token that has expired', async ({ server }) => {
      server.clock.time += 31 * 86_400
    }),
  ],
  invalid_code: [
    refused('an unknown code', BAD_GRANT, async ({ server }) =>
      exchangeOf(await server.addClient(CODE_CLIENT), 'unknown'),
    ),
    {
      what: 'codes with a wrong verifier',
      path: TOKEN,
      expected: BAD_GRANT,
      prepare: (world) => exchanging(world, { code_verifier: 'x'.repeat(43) }),
    },
    {
      what: 'uses of one code',
      path: TOKEN,
      expected: BAD_GRANT,
      async prepare(world) {
        const client = await world.server.addClient(CODE_CLIENT)
        const body = exchangeOf(
          client,
          await newCode(world.server, client, (await world.server.addUser()).id),
        )
        await world.server.requireTokens(body)
        return posting(TOKEN, world, () => body)
      },
    },
  ],
  unproven_request: [
    {
      what: 'authorization requests of unknown clients',
      path: AUTHORIZE,
      expected: [400, 'invalid_request'],
      prepare:
        ({ server }) =>
        (i) =>
          server.fetch(`${AUTHORIZE}?client_id=unknown-${i}`, { headers: HERE }),
    },
    {
      what: 'authorization requests with URLs that have no document',
      path: AUTHORIZE,
      expected: [502],
      prepare({ server }) {
        RemoteDocuments.start()
        const headers = { ...HERE, Accept: 'text/html' }
        return (i) => server.fetch(`${AUTHORIZE}?client_id=https://agent.example/${i}`, { headers })
      },
    },
    {
      what: 'pushed requests with URLs that have no document',
      path: PAR,
      expected: [503, 'temporarily_unavailable'],
      prepare(world) {
        RemoteDocuments.start()
        return posting(PAR, world, (i) => ({
          response_type: 'code',
          client_id: `https://agent.example/${i}`,
        }))
      },
    },
  ],
  invalid_authorization_request: [
    {
      what: 'pushed requests without PKCE',
      path: PAR,
      expected: [400, 'invalid_request'],
      async prepare(world) {
        const client = await world.server.addClient(CODE_CLIENT)
        return posting(PAR, world, () => ({ client_id: client.id, response_type: 'code' }))
      },
    },
  ],
  wrong_redirect_uri: [
    {
      what: 'codes with another redirect URI',
      path: TOKEN,
      expected: BAD_GRANT,
      prepare: (world) => exchanging(world, { redirect_uri: 'https://app.test/other' }),
    },
  ],
  foreign_token: [
    {
      what: "another client's token",
      path: REVOKE,
      expected: BAD_GRANT,
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
  missing_access_token: [asking('no token', [401, 'invalid_token'], () => null)],
  invalid_access_token: [
    asking('a token that is no JWT', [401, 'invalid_token'], () => 'x'.repeat(400)),
    asking(
      'a refresh token',
      [401, 'invalid_token'],
      async ({ server, app }) => (await server.signIn(app, 'guest', 'guest')).refresh_token ?? '',
    ),
  ],
  invalid_dpop_proof: [
    {
      what: 'a proof that is no JWT',
      path: TOKEN,
      expected: [400, 'invalid_dpop_proof'],
      prepare:
        ({ server, shop }) =>
        () =>
          server.postJson(machineOf(shop), { ...HERE, DPoP: 'x' }),
    },
  ],
  use_dpop_nonce: [
    {
      what: 'a proof without a nonce',
      path: TOKEN,
      expected: [400, 'use_dpop_nonce'],
      async prepare({ server }) {
        const client = await server.addClient({ bindsTokens: true })
        const proof = await (await DpopKey.create()).prove(server)
        return () => server.postJson(machineOf(client), { ...HERE, DPoP: proof })
      },
    },
  ],
  insufficient_scope: [
    asking(
      'a token without openid',
      [403, 'insufficient_scope'],
      async ({ server, app }) => (await server.signIn(app, 'guest', 'guest')).access_token,
    ),
    NO_ACCOUNT_SCOPE,
  ],
  temporarily_unavailable: [
    {
      what: 'a sign-in while D1 is away',
      path: TOKEN,
      expected: [503, 'temporarily_unavailable'],
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
      what: 'guests past their budget',
      path: TOKEN,
      expected: [429, 'temporarily_unavailable'],
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
