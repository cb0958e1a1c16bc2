import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { CHANGE_LIST_SECONDS } from '../src/storage/copy_ages.ts'
import type { User } from '../src/users/user.ts'
import { credentials, type TestClient, TestServer, type TokenResponse } from './support/server.ts'
import { IN_STRICT_OBJECTS } from './support/session_objects.ts'

/** A session with its client and its user. */
interface Scene {
  server: TestServer
  client: TestClient
  user: User
  tokens: TokenResponse
}

interface Problem {
  reason: string
  error: string
  /** Causes the problem. @returns a function that removes it */
  make(scene: Scene): Promise<() => Promise<unknown>>
}

const SHARDS = [
  { name: 's1', binding: 'DB', continents: [] },
  { name: 'eu', binding: 'SESSIONS_EU', continents: ['EU'] },
]

/** A problem in a column of one row: the column gets one value, and another one to remove the problem. */
function column(table: 'users' | 'clients', name: string, bad: unknown, good: (scene: Scene) => unknown) {
  return async (scene: Scene) => {
    const [key, id] = table === 'users' ? ['id', scene.user.id] : ['client_id', scene.client.id]
    const set = (value: unknown) =>
      env.DB.prepare(`UPDATE ${table} SET ${name} = ? WHERE ${key} = ?`).bind(value, id).run()
    await set(typeof bad === 'function' ? bad(scene) : bad)
    return () => set(good(scene))
  }
}

const inAMoment = ({ server }: Scene) => server.clock.time + 1

const PROBLEMS: Problem[] = [
  { reason: 'the client is disabled or was deleted', make: column('clients', 'enabled', 0, () => 1) },
  {
    reason: 'the client belongs to another API',
    make: column('clients', 'api', 'backoffice', () => 'storefront'),
  },
  {
    reason: "the client's tokens were revoked",
    make: column('clients', 'tokens_valid_from', inAMoment, () => 0),
  },
  { reason: 'the user is disabled', make: column('users', 'enabled', 0, () => 1) },
  { reason: 'the user belongs to another pool', make: column('users', 'pool', 'staff', () => 'customers') },
  {
    reason: 'all sessions of the user were ended later',
    make: column('users', 'tokens_valid_from', inAMoment, () => 0),
  },
].map((problem) => ({ ...problem, error: 'invalid_grant' }))

async function signedIn(continent: string, config: Record<string, unknown>): Promise<Scene> {
  const server = new TestServer({ config: { session_shards: SHARDS, ...config } })
  server.continent = continent
  const [client, user] = [await server.addClient(), await server.addUser()]
  return { server, client, user, tokens: await server.signIn(client, user.username) }
}

function refresh({ server, client }: Scene, refreshToken: string | undefined): Promise<Response> {
  return server.postJson({
    grant_type: 'refresh_token',
    ...credentials(client),
    refresh_token: refreshToken,
  })
}

async function reasonsOf({ user }: Scene): Promise<unknown[]> {
  const select = env.DB.prepare(
    "SELECT reason FROM audit_events WHERE subject = ? AND kind = 'refresh_refused'",
  )
  return (await select.bind(user.id).all()).results.map(({ reason }) => reason)
}

describe.each([
  ['the main database', 'NA', 's1', {}],
  ['a database of its own', 'EU', 'eu', {}],
  ['a session object', 'EU', '[we]eur-[01]', IN_STRICT_OBJECTS],
])('a refresh of a session in %s', (_where, continent, shard, config) => {
  it.each(PROBLEMS)('a refresh consumes no token if $reason', async ({ reason, error, make }) => {
    const scene = await signedIn(continent, config)
    let { refresh_token } = scene.tokens
    expect(decodeJwt(refresh_token ?? '').sid).toMatch(new RegExp(`^${shard}\\.`))
    for (const seq of [1, 2]) {
      // The isolate has a copy of the client from before the problem, so D1 must decide.
      await scene.server.signIn(scene.client, 'guest', 'guest')
      const mend = await make(scene)
      const refused = await refresh(scene, refresh_token)
      expect([refused.status, await refused.json()]).toMatchObject([400, { error }])
      await mend()
      // The retry window is over. If the refusal had consumed the token, this would be theft.
      scene.server.clock.time += 120
      refresh_token = (await scene.server.refresh(scene.client, refresh_token)).refresh_token
      expect(decodeJwt(refresh_token ?? '').seq).toBe(seq)
    }
    expect(await reasonsOf(scene)).toEqual([reason, reason])
  })

  it('a refresh with a retired secret is a client error and consumes no token', async () => {
    const scene = await signedIn(continent, config)
    const retire = (expiresAt: number | null) =>
      env.DB.prepare('UPDATE client_secrets SET expires_at = ? WHERE client_id = ?')
        .bind(expiresAt, scene.client.id)
        .run()
    await retire(scene.server.clock.time)
    const refused = await refresh(scene, scene.tokens.refresh_token)
    expect([refused.status, await refused.json()]).toMatchObject([401, { error: 'invalid_client' }])
    await retire(null)
    scene.server.clock.time += 120
    await scene.server.refresh(scene.client, scene.tokens.refresh_token)
  })

  it('an isolate with an outdated copy of the client does not refuse a refresh', async () => {
    const scene = await signedIn(continent, config)
    const mend = await column('clients', 'api', 'backoffice', () => 'storefront')(scene)
    const elsewhere = { ...scene, server: scene.server.anotherIsolate() }
    elsewhere.server.continent = continent
    const refused = await refresh(elsewhere, scene.tokens.refresh_token)
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_grant' }])
    await mend()
    scene.server.clock.time += CHANGE_LIST_SECONDS.max + 1
    await elsewhere.server.refresh(scene.client, scene.tokens.refresh_token)
  })

  it.each(['{"admin":true}', '[1]'])(
    'a refresh consumes no token if the stored roles are %s',
    async (roles) => {
      const scene = await signedIn(continent, config)
      const set = (text: string) =>
        env.DB.prepare('UPDATE users SET roles = ? WHERE id = ?').bind(text, scene.user.id).run()
      await set(roles)
      expect((await refresh(scene, scene.tokens.refresh_token)).status).toBe(500)
      await set('[]')
      scene.server.clock.time += 120
      await scene.server.refresh(scene.client, scene.tokens.refresh_token)
    },
  )

  it('a refresh consumes no token if a sign-out is dated in the far future', async () => {
    const scene = await signedIn(continent, config)
    const set = (from: number) =>
      env.DB.prepare('UPDATE users SET access_valid_from = ? WHERE id = ?').bind(from, scene.user.id).run()
    await set(scene.server.clock.time * 1000)
    expect((await refresh(scene, scene.tokens.refresh_token)).status).toBe(500)
    await set(0)
    scene.server.clock.time += 120
    await scene.server.refresh(scene.client, scene.tokens.refresh_token)
  })
})
