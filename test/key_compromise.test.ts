import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVerifier } from '../packages/verify/src/index.ts'
import { NEXT_KEY_AHEAD_SECONDS, PUBLISH_AHEAD_SECONDS } from '../src/keys/key_schedule.ts'
import { addressOfLast } from '../src/storage/last_response_store.ts'
import { auditOf } from './support/audit.ts'
import { readKv, writeKv } from './support/copies.ts'
import { D1_DOWN, FaultyD1, KV_DOWN } from './support/faults.ts'
import { readFeed } from './support/feed.ts'
import { listKeys, machineToken, publishedKids, signerOf } from './support/keys.ts'
import {
  credentials,
  emptyStores,
  ISSUER,
  STOREFRONT_AUDIENCE,
  TestClock,
  TestServer,
} from './support/server.ts'
import { verify } from './support/tokens.ts'

const OPERATOR = { subject: 'user:1', clientId: 'sallyport-cli' }

const DAY = 86_400

/** A server with its first key, and the tokens of a customer that the key signed. */
async function setUp() {
  const clock = new TestClock()
  const server = new TestServer({ clock, config: { openid: false } })
  const client = await server.addClient()
  const tokens = await server.signIn(client, 'guest', 'guest')
  const first = await signerOf(server, client)
  return { clock, server, client, tokens, first }
}

async function revoke(server: TestServer, kid: string) {
  const entry = await server.services.keyLife.revokeCompromised(kid, server.context(), OPERATOR)
  await server.settle()
  return entry
}

const kept = async () => {
  const { results } = await env.DB.prepare('SELECT kid FROM signing_keys').all()
  return results.map((row) => row.kid)
}

describe('a compromised key', () => {
  beforeEach(emptyStores)

  it('a compromised key leaves the JWKS at once, and a new key signs at once', async () => {
    const { clock, server, client, first } = await setUp()
    const entry = await revoke(server, first)
    expect(entry).toEqual({
      kid: first,
      alg: 'ES256',
      state: 'retired',
      reason: 'compromised',
      createdAt: clock.time,
      activatesAt: clock.time,
      retiresAt: clock.time,
    })
    const second = await signerOf(server, client)
    expect(second).not.toBe(first)
    for (const isolate of [server, server.anotherIsolate()]) {
      expect(await publishedKids(isolate)).toEqual([second])
      await verify(isolate, await machineToken(isolate, client))
    }
    expect(await kept()).toEqual([second])
    expect(await env.KV.get('keys')).not.toContain(first)
    expect((await listKeys(server)).map(({ kid, state }) => [kid, state])).toEqual([
      [second, 'current'],
      [first, 'retired'],
    ])
    expect(await auditOf({ kind: 'key', actor: OPERATOR.subject })).toMatchObject([
      { outcome: 'ok', reason: `revoked the compromised key ${first}, ${second} (ES256) signs instead` },
    ])
  })

  it('the access and refresh tokens of a compromised key are refused', async () => {
    const { server, client, tokens, first } = await setUp()
    await revoke(server, first)
    const refused = await server.postJson({
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      ...credentials(client),
    })
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'The refresh token is invalid.' },
    ])
    await expect(verify(server, tokens.access_token)).rejects.toThrow()
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const body = { token, ...credentials(client) }
      const response = await server.postJson(body, {}, '/oauth2-token/introspect')
      expect(await response.json()).toEqual({ active: false })
    }
  })

  it('a new sign-in works, and its refresh works in every isolate', async () => {
    const { server, client, first } = await setUp()
    const isolate = server.anotherIsolate()
    expect(await publishedKids(isolate)).toEqual([first])
    await revoke(server, first)
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    const refreshes = Array.from({ length: 10 }, () => isolate.refresh(client, refresh_token))
    expect(await Promise.all(refreshes)).toHaveLength(10)
  })

  it('an old copy of a slow isolate does not restore a compromised key, also while D1 is unavailable', async () => {
    const { server, client, first } = await setUp()
    const copy = await readKv('keys')
    const last = await caches.default.match(addressOfLast('jwks', ISSUER))
    await revoke(server, first)
    const second = await signerOf(server, client)
    await writeKv('keys', copy)
    const away = new TestServer({ clock: server.clock, env: { DB: D1_DOWN } })
    expect(await publishedKids(away)).toEqual([second])
    // The last published JWKS of a data centre is not used if it has the key.
    expect(last?.status).toBe(200)
    await caches.default.put(addressOfLast('jwks', ISSUER), last ?? new Response())
    expect((await away.fetch('/.well-known/jwks.json')).status).toBe(503)
    const isolate = server.anotherIsolate()
    expect(await publishedKids(isolate)).toEqual([second])
    expect(await env.KV.get('keys')).not.toContain(first)
  })

  it('a verifier drops a compromised key within its cache time, or earlier by the revocation feed', async () => {
    const { clock, server, client, tokens, first } = await setUp()
    const fetch = (url: string, init: RequestInit) => server.fetch(new URL(url).pathname, init)
    const options = { issuer: ISSUER, audience: STOREFRONT_AUDIENCE, fetch }
    const polling = createVerifier(options)
    const alone = createVerifier({ ...options, revocations: false })
    const verdict = async (verifier: typeof alone) => {
      const result = await verifier.verify(tokens.access_token, { now: clock.time }).catch(String)
      await server.settle()
      return typeof result !== 'string'
    }
    for (const verifier of [polling, alone]) expect(await verdict(verifier)).toBe(true)
    await revoke(server, first)
    const fresh = await machineToken(server, client)
    clock.time += 30
    expect(await verdict(polling)).toBe(false)
    expect(await verdict(alone)).toBe(true)
    clock.time += 570
    expect(await verdict(alone)).toBe(false)
    for (const verifier of [polling, alone]) await verifier.verify(fresh, { now: clock.time })
    expect((await readFeed(server)).revocations).toEqual([])
  })

  it('the current key stays if the compromised key is a former or a next key', async () => {
    const { clock, server, client, first } = await setUp()
    await server.services.keyLife.rotateNow(server.context())
    clock.time += PUBLISH_AHEAD_SECONDS
    const second = await signerOf(server, client)
    const token = await machineToken(server, client)
    clock.time += 90 * DAY - NEXT_KEY_AHEAD_SECONDS
    await server.cron()
    const third = (await publishedKids(server)).at(-1) ?? ''
    for (const kid of [first, third]) expect(await revoke(server, kid)).toMatchObject({ state: 'retired' })
    expect(await signerOf(server, client)).toBe(second)
    expect((await publishedKids(server)).filter((kid) => [first, third].includes(kid))).toEqual([])
    await verify(server, token, { currentDate: new Date((clock.time - 90 * DAY) * 1000) })
  })

  it('the activation of the next key does not change', async () => {
    const { clock, server, client, first } = await setUp()
    const next = await server.services.keyLife.rotateNow(server.context())
    await revoke(server, first)
    const between = await signerOf(server, client)
    expect([first, next?.kid]).not.toContain(between)
    clock.time += PUBLISH_AHEAD_SECONDS
    expect(await signerOf(server, client)).toBe(next?.kid)
  })

  it('concurrent calls create one replacement, and an unknown kid gives null', async () => {
    const { server, first } = await setUp()
    const isolates = Array.from({ length: 8 }, () => server.anotherIsolate())
    const entries = await Promise.all(isolates.map((isolate) => revoke(isolate, first)))
    expect(entries.map((entry) => entry?.state)).toEqual(isolates.map(() => 'retired'))
    expect(await kept()).toHaveLength(1)
    expect(await auditOf({ kind: 'key', actor: OPERATOR.subject })).toHaveLength(1)
    expect(await revoke(server, 'unknown')).toBe(null)
    expect(await kept()).toHaveLength(1)
  })

  it('the call can be repeated after a store failed', async () => {
    const { clock, server, client, first } = await setUp()
    const lost = new FaultyD1({
      fault: 'after it is done',
      nth: 1,
      matches: (sql) => /INTO retired/.test(sql),
    })
    for (const away of [{ DB: D1_DOWN }, { DB: lost.db }, { KV: KV_DOWN }]) {
      const failing = new TestServer({ clock, env: away })
      await expect(revoke(failing, first)).rejects.toThrow()
    }
    expect(await revoke(server, first)).toMatchObject({ state: 'retired', reason: 'compromised' })
    expect(await kept()).toEqual([await signerOf(server, client)])
    expect(await env.KV.get('keys')).not.toContain(first)
    await verify(server, await machineToken(server, client))
  })
})
