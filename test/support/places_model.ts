import { expect } from 'vitest'
import {
  CALL,
  CONFIRMATION,
  ISOLATE_STATES,
  type IsolateState,
  KV_READ,
  type Market,
  TRIP_TAIL,
} from '../../bench/places.ts'
import { STORE_DEADLINE_MS } from '../../src/lib/storage_error.ts'
import { DrawnShares, quantileOf } from './drawn_delays.ts'
import { FAR_CLIENT, type FarOperation, type NextRequest } from './far_operations.ts'
import { FarStores, type StoreCall } from './far_stores.ts'
import { PassingTime } from './passing_time.ts'
import { TestServer } from './server.ts'
import { objectOf, wrapMainDatabase } from './session_objects.ts'

/** Where the server keeps sessions. */
export interface SessionPlace {
  name: string
  /** The configuration of a shop with shoppers in a market. */
  configFor: (market: Market) => Record<string, unknown>
  /** Whether the stores of the sessions have copies of clients and users. */
  hasCopies?: true
}

export const SESSION_PLACES: readonly SessionPlace[] = [
  { name: 'one database', configFor: () => ({}) },
  {
    name: 'manual shards',
    configFor: ({ continent, toPrimaryMs }) => ({
      session_shards: [
        { name: 's1', binding: 'DB' },
        // The shoppers of Frankfurt have the first shard.
        ...(toPrimaryMs > 0 ? [{ name: 'near', binding: 'SESSIONS_EU', continents: [continent] }] : []),
      ],
    }),
  },
  { name: 'strict objects', configFor: () => ({ session_objects: { per_market: 1, strict: true } }) },
  { name: 'objects', configFor: () => ({ session_objects: { per_market: 1 } }), hasCopies: true },
]

/** The number of measured requests for each state. */
export type SampleCounts = Record<IsolateState, number>

/** The stores of one shop, as an isolate in a market reaches them. The durations of calls are drawn. */
class DrawnStores extends FarStores {
  nextShare: () => number = () => 0.5
  readonly #market: Market

  constructor(market: Market) {
    super()
    this.#market = market
  }

  protected override durationOf({ store, isWrite }: StoreCall): number {
    if (store === 'kv') return this.#draw(KV_READ)
    const ms = this.#roundTripTo(store)
    const trip = this.#draw({ p50: ms, p99: ms * TRIP_TAIL })
    return trip + this.#draw(CALL) + (isWrite ? this.#draw(CONFIRMATION) : 0)
  }

  #roundTripTo(store: StoreCall['store']): number {
    const { toPrimaryMs, toNearestMs, nearestToPrimaryMs } = this.#market
    if (store === 'primary of an object') return nearestToPrimaryMs
    return store === 'primary' ? toPrimaryMs : toNearestMs
  }

  #draw(delay: Parameters<typeof quantileOf>[0]): number {
    return quantileOf(delay, this.nextShare())
  }
}

/** Lets work without store calls run. Twenty turns of a timer take 30 ms, and those of a message channel less than 1 ms. */
function quickTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    let turns = 20
    port1.onmessage = () => (--turns > 0 ? port2.postMessage(0) : resolve())
    port2.postMessage(0)
  })
}

/** A shop whose shoppers are in one market, and the isolates of this market. */
export class PlacesModel {
  readonly #market: Market
  readonly #config: Record<string, unknown>
  /** A server without waits, which prepares requests. */
  readonly #server: TestServer
  readonly #stores: DrawnStores
  readonly #time: PassingTime
  /** The isolates whose later work has not ended. */
  readonly #isolates: TestServer[] = []
  #last: Response | null = null

  constructor(market: Market, place: SessionPlace) {
    this.#market = market
    this.#config = place.configFor(market)
    this.#server = new TestServer({ config: this.#config })
    this.#server.continent = market.continent
    this.#stores = new DrawnStores(market)
    this.#time = new PassingTime(this.#stores, quickTurn)
  }

  /** @returns for each state of an isolate the durations of the requests in milliseconds, without processor time */
  async measure(operation: FarOperation, counts: SampleCounts): Promise<Record<IsolateState, number[]>> {
    const nextRequest = await this.#near(() => this.#prepare(operation))
    const send = (isolate: TestServer) => this.#send(isolate, nextRequest)
    const cold = await this.#sample('cold', counts, () => send(this.#newIsolate()))
    const isolate = this.#newIsolate()
    await send(isolate)
    const warm = await this.#sample('warm', counts, () => send(isolate))
    const paused = await this.#sample('paused', counts, () => send(isolate))
    const resting = await this.#sample('resting', counts, () => send(isolate))
    for (const used of this.#isolates.splice(0)) await this.#time.during(used.settle())
    await this.#time.pass(STORE_DEADLINE_MS)
    return { cold, warm, paused, resting }
  }

  /** Creates the client, the keys, and the session object of the market if the shop has objects. */
  async #prepare(operation: FarOperation): Promise<NextRequest> {
    const server = this.#server
    const client = await server.addClient(FAR_CLIENT)
    await server.signIn(client, 'guest', 'guest')
    await server.services.keys.currentOf(client.record.idTokenAlgorithm, server.context())
    const sid = server.services.shards.newSid({ continent: this.#market.continent, longitude: null })
    if (server.config.sessionObjects !== null)
      await wrapMainDatabase(objectOf(sid), (db) => this.#stores.aroundDbOfObject(db))
    this.#last = null
    return operation.start(server, client)
  }

  /** Runs work whose calls take no time. */
  async #near<T>(work: () => T | Promise<T>): Promise<T> {
    this.#stores.areNear = true
    try {
      return await work()
    } finally {
      this.#stores.areNear = false
    }
  }

  /** @returns the duration until the response */
  async #send(isolate: TestServer, nextRequest: NextRequest): Promise<number> {
    const request = this.#server.from(await this.#near(() => nextRequest(this.#last)))
    const before = this.#time.elapsedMs
    this.#last = await this.#time.during(isolate.answer(request))
    expect([200, 303]).toContain(this.#last.status)
    return this.#time.elapsedMs - before
  }

  #newIsolate(): TestServer {
    const { clock } = this.#server
    const isolate = new TestServer({ config: this.#config, clock, env: this.#stores.env })
    this.#isolates.push(isolate)
    return isolate
  }

  /** Measures one request after each pause. */
  async #sample(
    state: IsolateState,
    counts: SampleCounts,
    measureOne: () => Promise<number>,
  ): Promise<number[]> {
    const shares = new DrawnShares(`${this.#market.name} ${state}`, counts[state])
    const { pauseSeconds } = ISOLATE_STATES[state]
    const durations: number[] = []
    for (let i = 0; i < counts[state]; i++) {
      this.#stores.nextShare = shares.ofSample(i)
      await this.#time.pass(pauseSeconds * 1000)
      this.#server.clock.time += pauseSeconds
      durations.push(await measureOne())
    }
    return durations
  }
}
