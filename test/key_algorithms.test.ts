import { env } from 'cloudflare:workers'
import { decodeProtectedHeader } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { NEXT_KEY_AHEAD_SECONDS, PUBLISH_AHEAD_SECONDS } from '../src/keys/key_schedule.ts'
import { listKeys, machineToken, publishedKids } from './support/keys.ts'
import { TestOperator } from './support/operator.ts'
import { emptyStores, TestClock, TestServer } from './support/server.ts'
import { verify } from './support/tokens.ts'

const DAY = 86_400

/** The keys of the admin API as algorithm and state, sorted. */
async function statesOf(server: TestServer): Promise<string[]> {
  return (await listKeys(server)).map(({ alg, state }) => `${alg} ${state}`).sort()
}

describe('the keys of an OpenID provider', () => {
  beforeEach(emptyStores)

  it('the cron trigger makes one key of each algorithm, and access tokens keep signing_algorithm', async () => {
    const clock = new TestClock()
    const server = new TestServer({ clock, config: { signing_algorithm: 'EdDSA' } })
    const isolates = Array.from({ length: 4 }, () => server.anotherIsolate())
    await Promise.all(isolates.map((isolate) => isolate.cron()))
    expect(await statesOf(server)).toEqual(['ES256 current', 'EdDSA current', 'RS256 current'])
    expect(await publishedKids(server)).toHaveLength(3)
    const client = await server.addClient()
    const user = await server.addUser()
    const tokens = await server.signIn(client, user.username)
    for (const token of [tokens.access_token, tokens.refresh_token ?? ''])
      expect(decodeProtectedHeader(token).alg).toBe('EdDSA')
  })

  it('the first token request makes only the key of signing_algorithm, and a first ID token makes its key', async () => {
    const server = new TestServer()
    await machineToken(server, await server.addClient())
    expect(await statesOf(server)).toEqual(['ES256 current'])
    const isolates = Array.from({ length: 3 }, () => server.anotherIsolate())
    const made = await Promise.all(
      isolates.map(({ services }) => services.keys.currentOf('RS256', server.context())),
    )
    await server.settle()
    expect(new Set(made.map(({ kid }) => kid)).size).toBe(1)
    expect(await statesOf(server)).toEqual(['ES256 current', 'RS256 current'])
    expect(await publishedKids(isolates[0] ?? server)).toContain(made[0]?.kid)
  })

  it('a server without openid makes only the key of signing_algorithm, and the other keys get an end', async () => {
    const clock = new TestClock()
    await new TestServer({ clock }).cron()
    const server = new TestServer({ clock, config: { openid: false } })
    await server.cron()
    expect(await statesOf(server)).toEqual(['ES256 current', 'RS256 verifying'])
    expect((await listKeys(server)).find(({ alg }) => alg === 'RS256')?.retiresAt).toBe(clock.time + 31 * DAY)
    const again = new TestServer({ clock })
    await again.cron()
    expect((await listKeys(again)).find(({ alg }) => alg === 'RS256')).toMatchObject({
      state: 'current',
      retiresAt: null,
    })
  })

  it('each algorithm rotates after key_rotation_days, with and without the cron trigger', async () => {
    const clock = new TestClock()
    const server = new TestServer({ clock })
    await server.cron()
    clock.time += 90 * DAY - NEXT_KEY_AHEAD_SECONDS + 61
    await server.anotherIsolate().fetch('/.well-known/jwks.json')
    expect(await statesOf(server)).toEqual(['ES256 current', 'ES256 next', 'RS256 current', 'RS256 next'])
    clock.time += NEXT_KEY_AHEAD_SECONDS
    await server.cron()
    expect(await statesOf(server)).toEqual([
      'ES256 current',
      'ES256 verifying',
      'RS256 current',
      'RS256 verifying',
    ])
    clock.time += 32 * DAY
    await server.cron()
    expect(await statesOf(server)).toEqual([
      'ES256 current',
      'ES256 retired',
      'RS256 current',
      'RS256 retired',
    ])
  })

  it('an operator rotates one algorithm by the admin API, and the other algorithm keeps its key', async () => {
    const server = new TestServer()
    await server.cron()
    const operator = await TestOperator.signIn(server)
    const rotate = (alg: string) => operator.post(`/keys/rotate?alg=${alg}`)
    const rotated = await rotate('RS256')
    expect(rotated.status).toBe(200)
    expect(rotated.body).toMatchObject({
      alg: 'RS256',
      state: 'next',
      activates_at: server.clock.time + PUBLISH_AHEAD_SECONDS,
    })
    expect(await statesOf(server)).toEqual(['ES256 current', 'RS256 current', 'RS256 next'])
    const refused = await rotate('PS256')
    expect(refused.status).toBe(400)
    expect(refused.body).toMatchObject({
      type: 'urn:problem-type:sallyport:invalid-query',
      errors: [{ path: 'alg', message: expect.stringContaining('must be an algorithm that signs') }],
    })
  })

  it('a revocation of the compromised RS256 key replaces only this key', async () => {
    const server = new TestServer()
    await server.cron()
    const client = await server.addClient()
    const token = await machineToken(server, client)
    const rsa = (await listKeys(server)).find(({ alg }) => alg === 'RS256')?.kid ?? ''
    await server.services.keyLife.revokeCompromised(rsa, server.context())
    await server.settle()
    expect(await statesOf(server)).toEqual(['ES256 current', 'RS256 current', 'RS256 retired'])
    expect(await publishedKids(server)).not.toContain(rsa)
    await verify(server, token)
    const { results } = await env.DB.prepare("SELECT kid FROM signing_keys WHERE alg = 'RS256'").all()
    expect(results).toHaveLength(1)
  })
})
