import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { RefreshPolicy } from '../src/oauth/refresh_policy.ts'
import type { User } from '../src/users/user.ts'
import { isDeferredWrite } from './support/around_d1.ts'
import { FaultyStores, TROUBLES, type Trouble } from './support/faults.ts'
import { fuzzRuns } from './support/fuzz_run.ts'
import { PassingTime } from './support/passing_time.ts'
import {
  credentials,
  ISSUER,
  type TestClient,
  TestClock,
  TestServer,
  type TokenResponse,
} from './support/server.ts'
import { IN_OBJECTS } from './support/session_objects.ts'
import { readSession, SESSION_STORES } from './support/session_stores.ts'

/** The random outages by the refresh policy of the client. */
const RUNS = { rotate: 40, until_used: 15, fixed: 12 } as const

/** The share of these outages for each store of sessions. */
const SHARES = { D1: 1, 'session objects': 0.4, 'session objects with copies': 0.4 } as const

const STORES = [...SESSION_STORES, { name: 'session objects with copies', config: IN_OBJECTS }] as const
const LIMIT_MS = 100_000 * fuzzRuns(1)

const RETRY_WINDOW_SECONDS = 60

const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The service is not available now. Try again shortly.',
}

/** One refresh, or two in parallel, and the faults of the store calls meanwhile. */
interface Move {
  holder: number
  isolate: number
  atOnce: number
  /** The faults of the calls to D1, in order. */
  d1: (Trouble | null)[]
  kv: Trouble | null
  /** Whether the stores recover afterwards, and complete the calls that hung. */
  comesBack: boolean
  /** The time until the next step. */
  seconds: number
}

const trouble = fc.constantFrom<Trouble>(...TROUBLES)

const move: fc.Arbitrary<Move> = fc.record({
  holder: fc.nat(2),
  isolate: fc.nat(1),
  atOnce: fc.constantFrom(1, 1, 2),
  d1: fc.array(fc.option(trouble, { freq: 2 }), { maxLength: 4 }),
  kv: fc.option(trouble, { freq: 1 }),
  comesBack: fc.boolean(),
  seconds: fc.constantFrom(0, 1, 5, 20, 31),
})

/** The holder of a session. The holder keeps the last token received and retries with it. */
interface Holder {
  sid: string
  seq: number
  token: string
  /** The time of the first failed use of that token; null without one. */
  triedAt: number | null
}

let server: TestServer
let user: User

beforeAll(async () => {
  server = new TestServer()
  user = await server.addUser()
})

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation(() => {})
    onTestFinished(() => spy.mockRestore())
  }
})

/** The configuration, the stores and the time of an outage. */
interface Setting {
  config: Record<string, unknown>
  stores: FaultyStores
  time: PassingTime
}

/** Two isolates on the same stores, two guests and a customer. */
class Outage {
  readonly #client: TestClient
  readonly #policy: RefreshPolicy
  readonly #stores: FaultyStores
  readonly #time: PassingTime
  readonly #clock = new TestClock()
  readonly #isolates: readonly TestServer[]
  readonly #holders: Holder[] = []
  /** The `jti` and `exp` of every refresh token, by its session and number. */
  readonly #known = new Map<string, unknown>()

  constructor(client: TestClient, { config, stores, time }: Setting) {
    this.#client = client
    this.#policy = client.record.refreshPolicy
    this.#stores = stores
    this.#time = time
    const options = { clock: this.#clock, config, env: stores.env }
    this.#isolates = [new TestServer(options), new TestServer(options)]
  }

  async begin(): Promise<void> {
    const [server] = this.#isolates as [TestServer]
    for (const [username, password] of [['guest', 'guest'], ['guest', 'guest'], [user.username]]) {
      const { refresh_token: token = '' } = await server.signIn(this.#client, username ?? '', password)
      this.#holders.push({ token, triedAt: null, ...decodeJwt<{ sid: string; seq: number }>(token) })
    }
  }

  async take({ holder, isolate, atOnce, d1, kv, comesBack, seconds }: Move): Promise<void> {
    const troubles = [...d1]
    this.#stores.d1.judge = (sql) => (isDeferredWrite(sql) ? null : (troubles.shift() ?? null))
    this.#stores.kv.judge = () => kv
    await this.#refresh(this.#holders[holder] as Holder, { isolate, times: atOnce })
    this.#stores.d1.judge = () => null
    if (comesBack) this.#stores.comeBack()
    await this.#pass(seconds)
  }

  /** The stores work again: every holder can refresh, and each session has one row. With the policy fixed it has none. */
  async end(): Promise<void> {
    this.#stores.comeBack()
    await this.#time.during(Promise.all(this.#isolates.map((isolate) => isolate.settle())))
    await this.#stores.d1.settle().catch(() => {})
    for (const holder of this.#holders) {
      await this.#refreshInPeace(holder)
      await this.#refreshInPeace(holder)
    }
    const rows = this.#holders.map(({ sid }) => readSession(sid, 'sid, seq, ended_at'))
    const results = (await Promise.all(rows)).flat()
    const stored = this.#policy === 'fixed' ? [] : this.#holders
    expect(new Set(results)).toEqual(new Set(stored.map(({ sid, seq }) => ({ sid, seq, ended_at: null }))))
    expect(results).toHaveLength(stored.length)
  }

  /** A holder whose retry window would end retries before, while the stores work. Only the policy rotate needs it. */
  async #pass(seconds: number): Promise<void> {
    const next = this.#clock.time + seconds
    for (const holder of this.#holders) {
      if (
        this.#policy === 'rotate' &&
        holder.triedAt !== null &&
        next - holder.triedAt >= RETRY_WINDOW_SECONDS
      )
        await this.#refreshInPeace(holder)
    }
    this.#clock.time = next
  }

  async #refreshInPeace(holder: Holder): Promise<void> {
    this.#stores.comeBack()
    const { seq } = holder
    await this.#refresh(holder, { isolate: 0, times: 1 })
    expect(holder.seq).toBe(this.#policy === 'fixed' ? seq : seq + 1)
  }

  async #refresh(holder: Holder, { isolate, times }: { isolate: number; times: number }): Promise<void> {
    const server = this.#isolates[isolate] as TestServer
    const parameters = {
      grant_type: 'refresh_token',
      ...credentials(this.#client),
      refresh_token: holder.token,
    }
    const init = { method: 'POST', body: new URLSearchParams(parameters) }
    const ask = () => server.answer(new Request(`${ISSUER}/oauth2-token`, init))
    const { token } = holder
    for (const response of await this.#time.during(Promise.all(Array.from({ length: times }, ask)))) {
      if (response.status === 200) this.#learn(holder, await response.json<TokenResponse>())
      else await expectUnavailable(response)
    }
    if (holder.token === token) holder.triedAt ??= this.#clock.time
  }

  /** The only successor of the used token; with the policy fixed, the same token. */
  #learn(holder: Holder, { refresh_token: token = '' }: TokenResponse): void {
    if (this.#policy === 'fixed') {
      expect(token).toBe(holder.token)
      return
    }
    const { sid, seq, jti, exp } = decodeJwt<{ sid: string; seq: number }>(token)
    const used = decodeJwt<{ seq: number }>(holder.token)
    const name = `${sid} ${seq}`
    if (!this.#known.has(name)) {
      expect([sid, seq]).toEqual([holder.sid, used.seq + 1])
      this.#known.set(name, { jti, exp })
    }
    expect({ jti, exp }).toEqual(this.#known.get(name))
    Object.assign(holder, { token, seq, triedAt: null })
  }
}

async function expectUnavailable(response: Response): Promise<void> {
  expect([response.status, await response.json()]).toEqual([503, UNAVAILABLE])
  expect(response.headers.get('Retry-After')).toBe('2')
  expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
}

const OUTAGES = STORES.flatMap(({ name, config }) =>
  Object.entries(RUNS).map(([policy, runs]) => ({
    name,
    config,
    policy,
    numRuns: fuzzRuns(runs * SHARES[name]),
  })),
)

it.each(OUTAGES)(
  'no refresh token of the policy $policy in $name is lost or doubled in $numRuns random outages',
  {
    timeout: LIMIT_MS * 2,
  },
  async ({ policy, numRuns, config }) => {
    const client = await server.addClient({ refreshPolicy: policy as RefreshPolicy })
    const stores = new FaultyStores()
    const time = new PassingTime(stores)
    const property = fc.asyncProperty(
      fc.array(move, { minLength: 1, maxLength: 10, size: 'max' }),
      async (moves) => {
        const outage = new Outage(client, { config, stores, time })
        await outage.begin()
        for (const one of moves) await outage.take(one)
        await outage.end()
      },
    )
    const plugins = [fc.interruptAfterTimeLimit(LIMIT_MS, { failOnInterrupt: true })]
    await fc.assert(property, { numRuns, plugins })
  },
)
