import { env } from 'cloudflare:workers'
import { base64url, decodeProtectedHeader } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { NEXT_KEY_AHEAD_SECONDS, PUBLISH_AHEAD_SECONDS } from '../src/keys/key_schedule.ts'
import { countingD1, D1_DOWN, FaultyStores, KV_DOWN } from './support/faults.ts'
import { machineToken } from './support/keys.ts'
import { credentials, emptyStores, TestClock, TestServer } from './support/server.ts'
import { verify } from './support/tokens.ts'

const DAY = 86_400

async function storedKeys() {
  return (await env.DB.prepare('SELECT * FROM signing_keys').all<Record<string, string>>()).results
}

async function published(server: TestServer) {
  return (await server.fetch('/.well-known/jwks.json')).json<{ keys: Record<string, string>[] }>()
}

describe('signing keys', () => {
  beforeEach(emptyStores)

  it('100 parallel first requests in ten isolates create one key in an empty store', async () => {
    const client = await new TestServer().addClient()
    const isolates = Array.from({ length: 10 }, () => new TestServer())
    const tokens = await Promise.all(
      isolates.flatMap((server) => Array.from({ length: 10 }, () => machineToken(server, client))),
    )
    const keys = await storedKeys()
    expect(keys).toHaveLength(1)
    expect(new Set(tokens.map((token) => decodeProtectedHeader(token).kid))).toEqual(new Set([keys[0]?.kid]))
    for (const token of tokens) await verify(new TestServer(), token)
  })

  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])(
    'a key of %s signs valid access and refresh tokens',
    async (alg) => {
      const server = new TestServer({ config: { signing_algorithm: alg } })
      const client = await server.addClient()
      const user = await server.addUser()
      const tokens = await server.signIn(client, user.username)
      const { protectedHeader } = await verify(server, tokens.access_token, { algorithms: [alg] })
      expect(protectedHeader.alg).toBe(alg)
      await server.refresh(client, tokens.refresh_token)
    },
  )

  it('a private key is stored sealed, and another SEALING_KEY does not open it', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    await machineToken(server, client)
    const [key] = await storedKeys()
    const [copy] = JSON.parse((await env.KV.get('keys')) ?? '')
    for (const publicJwk of [JSON.parse(key?.public_jwk ?? ''), copy.publicJwk]) {
      expect(Object.keys(publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    }
    for (const sealed of [key?.sealed_private_jwk ?? '', copy.sealedPrivateJwk]) {
      const times = { created: key?.created_at, activates: key?.activates_at, retires: null }
      const bound = { kid: key?.kid, key: { alg: 'ES256', ...times } }
      expect(decodeProtectedHeader(sealed)).toEqual({ alg: 'dir', enc: 'A256GCM', ...bound })
    }
    const stranger = new TestServer({ env: { SEALING_KEY: 'A'.repeat(43) } })
    const response = await stranger.postJson({ grant_type: 'client_credentials', ...credentials(client) })
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      error: 'server_error',
      error_description: 'The server met an unexpected condition.',
    })
  })

  it('live tokens stay valid after a change of the algorithm, and the new key is published before it signs', async () => {
    const clock = new TestClock()
    const before = new TestServer({ clock })
    const client = await before.addClient()
    const old = await machineToken(before, client)
    const after = new TestServer({ clock, config: { signing_algorithm: 'EdDSA' } })
    expect(decodeProtectedHeader(await machineToken(after, client)).alg).toBe('ES256')
    expect((await published(after)).keys.map((key) => key.alg)).toEqual(['ES256', 'EdDSA'])
    clock.time += PUBLISH_AHEAD_SECONDS - 1
    expect(decodeProtectedHeader(await machineToken(after, client)).alg).toBe('ES256')
    clock.time += 1
    const fresh = await machineToken(after, client)
    expect(decodeProtectedHeader(fresh).alg).toBe('EdDSA')
    await verify(after, old)
    await verify(after, fresh)
  })

  it('a new key is published and signs after key_rotation_days, also without a cron trigger', async () => {
    const clock = new TestClock()
    const server = new TestServer({ clock, config: { key_rotation_days: 30 } })
    const client = await server.addClient()
    const first = decodeProtectedHeader(await machineToken(server, client)).kid
    clock.time += 30 * DAY - NEXT_KEY_AHEAD_SECONDS - 1
    await machineToken(server, client)
    expect(await storedKeys()).toHaveLength(1)
    clock.time += 61
    await machineToken(server, client)
    expect((await published(server)).keys).toHaveLength(2)
    clock.time += NEXT_KEY_AHEAD_SECONDS - 61
    expect(decodeProtectedHeader(await machineToken(server, client)).kid).toBe(first)
    clock.time += 1
    expect(decodeProtectedHeader(await machineToken(server, client)).kid).not.toBe(first)
    expect(await storedKeys()).toHaveLength(2)
  })

  it('keys are read from KV while D1 is down, and from D1 while KV is down', async () => {
    const server = new TestServer()
    await machineToken(server, await server.addClient())
    const { keys } = await published(server)
    expect(await published(new TestServer({ env: { DB: D1_DOWN } }))).toEqual({ keys })
    expect(await published(new TestServer({ env: { KV: KV_DOWN } }))).toEqual({ keys })
  })

  it('unknown key ids cause one read of D1, and malformed ids cause none', async () => {
    const clock = new TestClock()
    const { db, statements } = countingD1()
    const server = new TestServer({ clock, env: { DB: db } })
    const client = await server.addClient()
    await machineToken(server, client)
    const countReads = async (kid: string) => {
      const before = statements.filter((sql) => sql.includes('FROM signing_keys')).length
      const token = `${base64url.encode(JSON.stringify({ alg: 'ES256', typ: 'rt+jwt', kid }))}.e30.AA`
      const body = { grant_type: 'refresh_token', refresh_token: token, ...credentials(client) }
      const answers = await Promise.all(Array.from({ length: 10 }, () => server.postJson(body)))
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([400]))
      return statements.filter((sql) => sql.includes('FROM signing_keys')).length - before
    }
    expect(await countReads('x'.repeat(43))).toBe(1)
    expect(await countReads('y'.repeat(43))).toBe(0)
    clock.time += 5
    expect(await countReads('y'.repeat(43))).toBe(1)
    clock.time += 5
    expect(await countReads('no thumbprint')).toBe(0)
  })

  it('an isolate keeps its keys while both stores are down', async () => {
    const clock = new TestClock()
    const stores = new FaultyStores()
    const server = new TestServer({ clock, env: stores.env })
    const { keys } = await published(server)
    stores.up = false
    clock.time += DAY
    expect(await published(server)).toEqual({ keys })
  })
})

describe('the JWKS endpoint', () => {
  it('the JWKS is cacheable and has only public members, with use, alg and kid', async () => {
    await emptyStores()
    const server = new TestServer()
    const response = await server.fetch('/.well-known/jwks.json')
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=300')
    const text = expect.any(String)
    expect(await response.json()).toEqual({
      keys: [{ kty: 'EC', crv: 'P-256', x: text, y: text, kid: text, alg: 'ES256', use: 'sig' }],
    })
  })
})
