import { decodeJwt, decodeProtectedHeader } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVerifier, type Verifier } from '../packages/verify/src/index.ts'
import {
  NEXT_KEY_AHEAD_SECONDS,
  PUBLISH_AHEAD_SECONDS,
  RETIREMENT_MARGIN_SECONDS,
} from '../src/keys/key_schedule.ts'
import {
  emptyStores,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestClock,
  TestServer,
} from './support/server.ts'

const DAY = 86_400

const STEP = 3 * 3600
/** The cron trigger runs more often. The test misses most of the runs. */
const CRON = 4 * STEP
const ROTATION = 7 * DAY
const REFRESH = 4 * DAY

/** A key as the public interface shows it. Times are Unix seconds. */
interface KeySighting {
  firstPublished: number
  lastPublished: number
  firstSigned: number | null
  /** The time at which its last token expires. */
  lastExpiry: number
}

/** A shop that checks each of its tokens during the whole lifetime. */
class Shop {
  readonly sightings = new Map<string, KeySighting>()
  readonly #clock: TestClock
  readonly #client: TestClient
  readonly #verifiers: Verifier[]
  #chain: string | undefined
  #access: string[] = []
  #refresh: { token: string | undefined; expiresAt: number }[] = []

  constructor(clock: TestClock, client: TestClient, verifiers: Verifier[]) {
    this.#clock = clock
    this.#client = client
    this.#verifiers = verifiers
  }

  async seeJwks(server: TestServer): Promise<void> {
    const { keys } = await (await server.fetch('/.well-known/jwks.json')).json<{ keys: { kid: string }[] }>()
    const { time } = this.#clock
    for (const { kid, ...members } of keys) {
      expect(Object.keys(members).sort()).toEqual(['alg', 'crv', 'kty', 'use', 'x', 'y'])
      const known = this.sightings.get(kid)
      const sighting = known ?? { firstPublished: time, firstSigned: null, lastExpiry: 0 }
      this.sightings.set(kid, { ...sighting, lastPublished: time })
    }
  }

  /** A new user signs in, and the first user refreshes. */
  async trade(server: TestServer): Promise<void> {
    const guest = await server.signIn(this.#client, 'guest', 'guest')
    const regular = await server.refresh(this.#client, this.#chain ?? guest.refresh_token)
    this.#chain = regular.refresh_token
    for (const { access_token, refresh_token = '' } of [guest, regular]) {
      this.#access.push(access_token)
      this.#see(access_token)
      this.#see(refresh_token)
    }
    const another = await server.signIn(this.#client, 'guest', 'guest')
    this.#refresh.push({ token: another.refresh_token, expiresAt: this.#clock.time + REFRESH })
  }

  #see(token: string): void {
    const sighting = this.sightings.get(decodeProtectedHeader(token).kid ?? '')
    if (!sighting) throw new Error('a key signs that was never published')
    sighting.firstSigned ??= this.#clock.time
    sighting.lastExpiry = Math.max(sighting.lastExpiry, decodeJwt(token).exp ?? 0)
  }

  /** Every verifier accepts every live access token. */
  async verifyAll(): Promise<void> {
    const now = this.#clock.time
    this.#access = this.#access.filter((token) => (decodeJwt(token).exp ?? 0) > now)
    for (const verifier of this.#verifiers) {
      for (const token of this.#access) await verifier.verify(token, { now })
    }
  }

  /** Each refresh token is used in its last second. */
  async refreshExpiring(server: TestServer): Promise<void> {
    const isExpiring = ({ expiresAt }: { expiresAt: number }) => expiresAt <= this.#clock.time + 1
    for (const { token } of this.#refresh.filter(isExpiring)) await server.refresh(this.#client, token)
    this.#refresh = this.#refresh.filter((entry) => !isExpiring(entry))
  }
}

function verifierOf(server: TestServer, isReachable: () => boolean): Verifier {
  const fetch = async (url: string, init: RequestInit) => {
    if (!isReachable()) throw new Error('the issuer is unreachable')
    return server.fetch(new URL(url).pathname, init)
  }
  return createVerifier({ issuer: ISSUER, audience: STOREFRONT_AUDIENCE, fetch, revocations: false })
}

/** A verifier that reaches the issuer every 21 hours. It can use its keys for a day. */
function seldomVerifier(server: TestServer, clock: TestClock): Verifier {
  let askedAt = Number.NEGATIVE_INFINITY
  return verifierOf(server, () => {
    if (clock.time !== askedAt && clock.time - askedAt < DAY - STEP) return false
    askedAt = clock.time
    return true
  })
}

function expectBeginning(key: KeySighting | undefined, turn: number): void {
  const { firstPublished = 0, firstSigned } = key ?? {}
  expect(firstSigned).toBeGreaterThanOrEqual(turn)
  expect(firstSigned).toBeLessThanOrEqual(turn + STEP)
  // A verifier can use its keys for a day.
  expect(turn - firstPublished).toBeGreaterThan(DAY)
  expect(turn - firstPublished).toBeLessThanOrEqual(NEXT_KEY_AHEAD_SECONDS)
}

function expectEnd(key: KeySighting | undefined): void {
  const { lastPublished, lastExpiry = 0 } = key ?? {}
  expect(lastPublished).toBeGreaterThanOrEqual(lastExpiry)
  expect(lastPublished).toBeLessThanOrEqual(lastExpiry + RETIREMENT_MARGIN_SECONDS + 2 * CRON)
}

describe('three rotations', () => {
  beforeEach(emptyStores)

  it('three rotations refuse no live token, also by verifiers with the longest cache times', async () => {
    const clock = new TestClock()
    const start = clock.time
    const config = { key_rotation_days: 7, access_token_lifetime: DAY, refresh_token_lifetime: REFRESH }
    const server = new TestServer({ clock, config: { openid: false, ...config } })
    const isolates = [server, server.anotherIsolate(), server.anotherIsolate()]
    const verifiers = [verifierOf(server, () => true), seldomVerifier(server, clock)]
    const shop = new Shop(clock, await server.addClient(), verifiers)
    for (let step = 0; clock.time < start + 3 * ROTATION + REFRESH + 2 * DAY; step++) {
      const isolate = isolates[step % isolates.length] ?? server
      if ((step * STEP) % CRON === 0) await isolate.cron()
      await shop.seeJwks(isolate)
      await shop.trade(isolate)
      await shop.verifyAll()
      clock.time += STEP - 1
      await shop.refreshExpiring(isolate)
      clock.time += 1
    }
    const [first, second, third, fourth, fifth, ...more] = shop.sightings.values()
    for (const key of [first, second, third]) expectEnd(key)
    for (const [i, key] of [second, third, fourth].entries()) expectBeginning(key, start + (i + 1) * ROTATION)
    expect([fifth?.firstSigned, more]).toEqual([null, []])
    const entries = await server.services.keyLife.list(server.context())
    const retired = Array.from({ length: 3 }, () => ['retired', 'ended'])
    const states = entries.map(({ state, reason }) => [state, reason])
    expect(states).toEqual([['next', null], ['current', null], ...retired])
  }, 120_000)

  it('every verifier knows the key of a manual rotation before it signs', async () => {
    const clock = new TestClock()
    const isolates = Array.from({ length: 3 }, () => new TestServer({ clock, config: { openid: false } }))
    const [server = new TestServer()] = isolates
    const client = await server.addClient()
    const machine = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret }
    // An HTTP cache is in front of the verifier, and an unknown key id causes no second fetch.
    const cached = new Map<string, { body: string; at: number }>()
    const fetch = async (url: string, init: RequestInit) => {
      const known = cached.get(url)
      if (known && clock.time - known.at < 300) return new Response(known.body)
      const body = await (await server.fetch(new URL(url).pathname, init)).text()
      cached.set(url, { body, at: clock.time })
      return new Response(body)
    }
    const keys = { cooldownSeconds: 10 * DAY }
    const options = {
      issuer: ISSUER,
      audience: STOREFRONT_AUDIENCE,
      fetch,
      keys,
      revocations: false,
    } as const
    const verifier = createVerifier(options)
    const kids = new Set<string | undefined>()
    let signed = 0
    for (let rotation = 0; rotation < 3; rotation++) {
      for (const isolate of isolates) await isolate.fetch('/.well-known/jwks.json')
      await server.services.keyLife.rotateNow(server.context())
      await server.settle()
      for (let passed = 0; passed < PUBLISH_AHEAD_SECONDS + 300; passed += 15) {
        const isolate = isolates[(passed / 15) % isolates.length] ?? server
        const { access_token } = await isolate.requireTokens(machine)
        await verifier.verify(access_token, { now: clock.time })
        kids.add(decodeProtectedHeader(access_token).kid)
        signed++
        clock.time += 15
      }
    }
    expect([kids.size, signed]).toEqual([4, (3 * (PUBLISH_AHEAD_SECONDS + 300)) / 15])
  })
})
