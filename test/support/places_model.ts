import { expect } from 'vitest'
import {
  CALL,
  CONFIRMATION,
  type IsolateState,
  KV_READ,
  type Market,
  PAUSE_SECONDS,
  TRIP_TAIL,
} from '../../bench/places.ts'
import { DrawnShares, quantileOf } from './drawn_delays.ts'
import { FAR_CLIENT, type FarOperation } from './far_operations.ts'
import { FarStores, type StoreCall } from './far_stores.ts'
import { PassingTime } from './passing_time.ts'
import { TestServer } from './server.ts'

/** Where the server keeps sessions. */
export interface SessionPlace {
  name: string
  /** The configuration of a shop with shoppers in a market. */
  configFor: (market: Market) => Record<string, unknown>
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
    const ms = store === 'primary' ? this.#market.toPrimaryMs : this.#market.toNearestMs
    const trip = this.#draw({ p50: ms, p99: ms * TRIP_TAIL })
    return trip + this.#draw(CALL) + (isWrite ? this.#draw(CONFIRMATION) : 0)
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
  readonly #near: TestServer
  readonly #stores: DrawnStores
  readonly #time: PassingTime
  /** The isolates whose later work has not ended. */
  readonly #isolates: TestServer[] = []

  constructor(market: Market, place: SessionPlace) {
    this.#market = market
    this.#config = place.configFor(market)
    this.#near = new TestServer({ config: this.#config })
    this.#near.continent = market.continent
    this.#stores = new DrawnStores(market)
    this.#time = new PassingTime(this.#stores, quickTurn)
  }

  /** @returns for each state of an isolate the durations of the requests in milliseconds, without processor time */
  async measure(operation: FarOperation, counts: SampleCounts): Promise<Record<IsolateState, number[]>> {
    const client = await this.#near.addClient(FAR_CLIENT)
    // Makes the keys of access tokens and of ID tokens.
    await this.#near.signIn(client, 'guest', 'guest')
    await this.#near.services.keys.currentOf(client.record.idTokenAlgorithm, this.#near.context())
    const nextRequest = await operation.start(this.#near, client)
    let last: Response | null = null
    const send = async (isolate: TestServer): Promise<number> => {
      const request = this.#near.from(await nextRequest(last))
      const before = this.#time.elapsedMs
      last = await this.#time.during(isolate.answer(request))
      expect([200, 303]).toContain(last.status)
      return this.#time.elapsedMs - before
    }
    const cold = await this.#sample('cold', counts.cold, () => send(this.#newIsolate()))
    const isolate = this.#newIsolate()
    await send(isolate)
    const warm = await this.#sample('warm', counts.warm, () => send(isolate))
    const paused = await this.#sample('paused', counts.paused, () => {
      this.#near.clock.time += PAUSE_SECONDS.paused + 1
      return send(isolate)
    })
    for (const used of this.#isolates.splice(0)) await this.#time.during(used.settle())
    return { cold, warm, paused }
  }

  #newIsolate(): TestServer {
    const { clock } = this.#near
    const isolate = new TestServer({ config: this.#config, clock, env: this.#stores.env })
    this.#isolates.push(isolate)
    return isolate
  }

  async #sample(seed: string, count: number, measureOne: () => Promise<number>): Promise<number[]> {
    const shares = new DrawnShares(`${this.#market.name} ${seed}`, count)
    const durations: number[] = []
    for (let i = 0; i < count; i++) {
      this.#stores.nextShare = shares.ofSample(i)
      durations.push(await measureOne())
    }
    return durations
  }
}
