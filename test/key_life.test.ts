import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { NEXT_KEY_AHEAD_SECONDS, PUBLISH_AHEAD_SECONDS } from '../src/keys/key_schedule.ts'
import { auditOf } from './support/audit.ts'
import { D1_DOWN, FAULTS, FaultyD1, KV_DOWN } from './support/faults.ts'
import { listKeys, machineToken, publishedKids, signerOf } from './support/keys.ts'
import { emptyStores, TestClock, TestServer } from './support/server.ts'
import { verify } from './support/tokens.ts'

const OPERATOR = { subject: 'user:1', clientId: 'sallyport-cli' }

const DAY = 86_400

const storedKids = async () => {
  const { results } = await env.DB.prepare('SELECT kid FROM signing_keys ORDER BY activates_at').all()
  return results.map((row) => row.kid)
}

const keyEvents = async () => (await auditOf({ kind: 'key' })).map(({ reason, actor }) => [reason, actor])

/** A server with its first key. */
async function setUp(config: Record<string, unknown> = {}) {
  const clock = new TestClock()
  const server = new TestServer({ clock, config: { openid: false, ...config } })
  const client = await server.addClient()
  const first = await signerOf(server, client)
  return { clock, server, client, first, start: clock.time }
}

describe('the cron trigger', () => {
  beforeEach(emptyStores)

  it('the cron trigger records each change of a key in the audit trail', async () => {
    const { clock, server, first, start } = await setUp({ refresh_token_lifetime: DAY })
    clock.time += 90 * DAY - NEXT_KEY_AHEAD_SECONDS
    await server.cron()
    const [, second] = await publishedKids(server)
    clock.time = start + 90 * DAY
    await server.cron()
    clock.time += 2 * DAY
    await server.cron()
    expect(await keyEvents()).toEqual([
      [`made ${second} (ES256), which signs from ${start + 90 * DAY}`, null],
      [`${second} signs instead of ${first}; ${first} verifies until ${start + 92 * DAY}`, null],
      [`retired ${first}: all its tokens have expired`, null],
    ])
    expect(await storedKids()).toEqual([second])
    expect(await publishedKids(server.anotherIsolate())).toEqual([second])
  })

  it('concurrent runs make one next key', async () => {
    const { clock, server } = await setUp()
    clock.time += 89 * DAY
    const isolates = Array.from({ length: 8 }, () => server.anotherIsolate())
    await Promise.all(isolates.map((isolate) => isolate.cron()))
    expect(await storedKids()).toHaveLength(2)
    clock.time += DAY
    await Promise.all(isolates.map((isolate) => isolate.cron()))
    expect((await listKeys(server)).map((key) => [key.state, key.retiresAt !== null])).toEqual([
      ['current', false],
      ['verifying', true],
    ])
    expect((await keyEvents()).map(([reason]) => String(reason).split(' ').at(0))).toEqual([
      'made',
      'made',
      expect.any(String),
    ])
  })

  it('an old key is kept for its longest tokens, also if a lifetime is shortened after the rotation', async () => {
    const { clock, server, client, first } = await setUp({ refresh_token_lifetime: 60 * DAY })
    clock.time += 88 * DAY
    await server.cron()
    clock.time += 2 * DAY - 1
    const token = (await server.signIn(client, 'guest', 'guest')).refresh_token
    clock.time += 1
    await server.cron()
    const lowered = new TestServer({ clock, config: { openid: false, refresh_token_lifetime: DAY } })
    await lowered.cron()
    clock.time += 60 * DAY - 2
    await lowered.cron()
    expect(await publishedKids(server)).toContain(first)
    await server.refresh(client, token)
  })

  it('a key that signs again loses its retirement time, and the other key gets one', async () => {
    const { clock, server, client, first } = await setUp()
    const other = new TestServer({ clock, config: { openid: false, signing_algorithm: 'EdDSA' } })
    await other.cron()
    clock.time += PUBLISH_AHEAD_SECONDS
    await other.cron()
    const second = await signerOf(other, client)
    expect((await listKeys(other)).map(({ kid, state }) => [kid, state])).toEqual([
      [second, 'current'],
      [first, 'verifying'],
    ])
    clock.time += 30 * DAY
    expect(await signerOf(server, client)).toBe(first)
    clock.time += DAY
    await server.cron()
    expect(await listKeys(server)).toMatchObject([
      { kid: second, state: 'verifying', retiresAt: clock.time + 31 * DAY },
      { kid: first, state: 'current', retiresAt: null },
    ])
  })

  it('a run completes the steps that a failed run left, for a failure at any call', async () => {
    for (const fault of FAULTS) {
      for (let nth = 1, failed = true; failed; nth++) {
        await emptyStores()
        const { clock, server, client } = await setUp({ refresh_token_lifetime: DAY })
        const token = await machineToken(server, client)
        clock.time += 88 * DAY
        await server.cron()
        // The third key is due, the second key signs, and the end of the first key passes later.
        clock.time += 88 * DAY + 2 * DAY
        const matches = (sql: string) => /signing_keys/.test(sql)
        const broken = new FaultyD1({ fault, nth, matches })
        const failing = new TestServer({
          clock,
          config: { openid: false, refresh_token_lifetime: DAY },
          env: { DB: broken.db },
        })
        await failing.cron()
        await broken.settle()
        failed = broken.failed !== null
        await server.cron()
        expect((await listKeys(server)).map(({ state }) => state)).toEqual(['next', 'current', 'verifying'])
        clock.time += 2 * DAY
        await server.cron()
        const isolate = server.anotherIsolate()
        expect((await listKeys(isolate)).map(({ state }) => state)).toEqual([
          'current',
          'verifying',
          'retired',
        ])
        await verify(isolate, await machineToken(isolate, client))
        await expect(verify(isolate, token)).rejects.toThrow()
      }
    }
  }, 120_000)

  it('the cron trigger changes nothing while D1 is unavailable, and tokens stay valid', async () => {
    const { clock, server, client } = await setUp()
    const before = await storedKids()
    clock.time += 89 * DAY
    const away = new TestServer({ clock, config: { openid: false }, env: { DB: D1_DOWN } })
    await away.cron()
    expect(await storedKids()).toEqual(before)
    await verify(server, await machineToken(server, client))
  })
})

describe('a rotation by an operator', () => {
  beforeEach(emptyStores)

  it('a rotation publishes the next key at once, and the key signs after every verifier knows it', async () => {
    const { clock, server, client, first } = await setUp()
    const token = await machineToken(server, client)
    const next = await server.services.keyLife.rotateNow(server.context(), { by: OPERATOR })
    await server.settle()
    const times = { createdAt: clock.time, activatesAt: clock.time + PUBLISH_AHEAD_SECONDS, retiresAt: null }
    expect(next).toEqual({ kid: expect.any(String), alg: 'ES256', state: 'next', reason: null, ...times })
    expect(await publishedKids(server)).toEqual([first, next?.kid])
    clock.time += PUBLISH_AHEAD_SECONDS - 1
    expect(await signerOf(server, client)).toBe(first)
    clock.time += 1
    expect(await signerOf(server, client)).toBe(next?.kid)
    await verify(server, token)
    expect((await keyEvents()).slice(1)).toEqual([
      [`made ${next?.kid} (ES256), which signs from ${times.activatesAt}`, OPERATOR.subject],
    ])
  })

  it('repeated and concurrent rotations have the effect of one', async () => {
    const { server } = await setUp()
    const isolates = Array.from({ length: 8 }, () => server.anotherIsolate())
    const ask = (isolate: TestServer) => isolate.services.keyLife.rotateNow(isolate.context())
    const responses = [...(await Promise.all(isolates.map(ask))), await ask(server)]
    expect(new Set(responses.map((entry) => entry?.kid)).size).toBe(1)
    expect(await storedKids()).toHaveLength(2)
  })

  it('an existing next key signs early, and at once if verifiers know it', async () => {
    const { clock, server, client } = await setUp()
    clock.time += 88 * DAY
    await server.cron()
    const [, second] = await publishedKids(server)
    clock.time += 60
    const early = await server.services.keyLife.rotateNow(server.context())
    expect(early).toMatchObject({ kid: second, activatesAt: clock.time - 60 + PUBLISH_AHEAD_SECONDS })
    clock.time += PUBLISH_AHEAD_SECONDS
    expect(await signerOf(server, client)).toBe(second)
    clock.time += 89 * DAY
    await server.cron()
    const third = (await storedKids()).at(-1)
    clock.time += PUBLISH_AHEAD_SECONDS
    const known = await server.services.keyLife.rotateNow(server.context(), { by: OPERATOR })
    await server.settle()
    expect(known).toMatchObject({ kid: third, state: 'current', activatesAt: clock.time })
    expect(await signerOf(server, client)).toBe(third)
    expect((await keyEvents()).at(-1)).toEqual([
      `rotated early: ${third} signs from ${known?.activatesAt}`,
      OPERATOR.subject,
    ])
  })

  it('a rotation fails while the stores are unavailable, and can be repeated', async () => {
    const { server } = await setUp()
    for (const away of [{ DB: D1_DOWN }, { KV: KV_DOWN }]) {
      const failing = new TestServer({ clock: server.clock, env: away })
      const asked = failing.services.keyLife.rotateNow(failing.context())
      await expect(asked).rejects.toThrow('is down')
    }
    expect(await server.services.keyLife.rotateNow(server.context())).toMatchObject({ state: 'next' })
    expect(await storedKids()).toHaveLength(2)
  })
})
