import { env } from 'cloudflare:workers'
import { base64url } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { readKv, writeKv } from './support/copies.ts'
import { D1_DOWN, FAULTS, FaultyD1 } from './support/faults.ts'
import { machineToken, publishedKids, signerOf } from './support/keys.ts'
import { emptyStores, TestClock, TestServer } from './support/server.ts'
import { verify } from './support/tokens.ts'

const OPERATOR = { subject: 'user:1', clientId: 'sallyport-cli' }

const newSecret = () => base64url.encode(crypto.getRandomValues(new Uint8Array(32)))

/** Three servers on the same keys: with the old secret, with both secrets, and with the new secret. */
async function setUp() {
  const clock = new TestClock()
  const secret = newSecret()
  const before = new TestServer({ clock, config: { openid: false } })
  const client = await before.addClient()
  await signerOf(before, client)
  await before.services.keyLife.rotateNow(before.context())
  await before.settle()
  const both = new TestServer({ clock, config: { openid: false }, env: { SEALING_KEY_NEXT: secret } })
  const after = new TestServer({ clock, config: { openid: false }, env: { SEALING_KEY: secret } })
  return { clock, secret, before, both, after, client, kids: await publishedKids(before) }
}

const sealed = async () => {
  const { results } = await env.DB.prepare('SELECT sealed_private_jwk FROM signing_keys ORDER BY kid').all()
  return results.map((row) => row.sealed_private_jwk)
}

describe('a change of SEALING_KEY', () => {
  beforeEach(emptyStores)

  it('no key and no token is lost while the cron trigger reseals the keys under the new secret', async () => {
    const { before, both, after, client, kids } = await setUp()
    const token = await machineToken(before, client)
    await verify(both, token)
    await both.cron()
    for (const server of [both, after]) {
      expect(await publishedKids(server)).toEqual(kids)
      await verify(server, token)
      await verify(server, await machineToken(server, client))
    }
    expect((await before.anotherIsolate().fetch('/.well-known/jwks.json')).status).toBe(500)
    expect(await auditOf({ kind: 'key', reason: `resealed: ${kids.join(', ')}` })).toHaveLength(1)
  })

  it('an operator can request the resealing, and a repetition has no effect', async () => {
    const { both, kids } = await setUp()
    const { keyLife } = both.services
    expect(await keyLife.reseal(both.context(), OPERATOR)).toEqual({ resealed: kids, unopened: [] })
    const rows = await sealed()
    expect(await keyLife.reseal(both.context())).toEqual({ resealed: [], unopened: [] })
    await both.settle()
    expect(await sealed()).toEqual(rows)
    expect(await auditOf({ kind: 'key', actor: OPERATOR.subject })).toHaveLength(1)
  })

  it('concurrent resealings seal each key once', async () => {
    const { both, kids } = await setUp()
    const isolates = Array.from({ length: 6 }, () => both.anotherIsolate())
    const outcomes = await Promise.all(
      isolates.map((isolate) => isolate.services.keyLife.reseal(isolate.context())),
    )
    expect(outcomes.flatMap(({ resealed }) => resealed).sort()).toEqual(kids.sort())
  })

  it('a new key is sealed under the new secret', async () => {
    const { clock, both, after, client } = await setUp()
    await both.cron()
    clock.time += 89 * 86_400
    await both.cron()
    expect(await publishedKids(after)).toHaveLength(3)
    await machineToken(after, client)
  })

  it('the keys are read from D1 if the copy in KV does not open', async () => {
    const { both, after, kids } = await setUp()
    const copy = await readKv('keys')
    await both.cron()
    await writeKv('keys', copy)
    expect(await publishedKids(after)).toEqual(kids)
    expect(await readKv('keys')).not.toEqual(copy)
  })

  it('concurrent or failed resealings lose no key', async () => {
    for (const fault of FAULTS) {
      await emptyStores()
      const { clock, secret, both, after, client, kids } = await setUp()
      const matches = (sql: string) => sql.includes('UPDATE signing_keys SET sealed')
      const broken = new FaultyD1({ fault, nth: 2, matches })
      const failing = new TestServer({
        clock,
        config: { openid: false },
        env: { SEALING_KEY_NEXT: secret, DB: broken.db },
      })
      await Promise.all([failing.cron(), both.cron(), both.anotherIsolate().cron()])
      await broken.settle()
      await both.cron()
      expect(await publishedKids(after)).toEqual(kids)
      await verify(after, await machineToken(after, client))
    }
  })

  it('the resealing names the keys that neither secret opens and does not change them', async () => {
    const { clock, kids } = await setUp()
    const rows = await sealed()
    const secrets = { SEALING_KEY: newSecret(), SEALING_KEY_NEXT: newSecret() }
    const stranger = new TestServer({ clock, config: { openid: false }, env: secrets })
    expect(await stranger.services.keyLife.reseal(stranger.context())).toEqual({
      resealed: [],
      unopened: kids,
    })
    expect(await sealed()).toEqual(rows)
  })

  it('the resealing fails while D1 is unavailable, and works later', async () => {
    const { clock, secret, both, client } = await setUp()
    const away = new TestServer({
      clock,
      config: { openid: false },
      env: { SEALING_KEY_NEXT: secret, DB: D1_DOWN },
    })
    await expect(away.services.keyLife.reseal(away.context())).rejects.toThrow('is down')
    await verify(both, await machineToken(both, client))
  })

  it('the server refuses a malformed second secret', () => {
    expect(() => new TestServer({ env: { SEALING_KEY_NEXT: 'short' } })).toThrow(
      'the secret SEALING_KEY_NEXT is not 32 bytes in base64url',
    )
  })
})
