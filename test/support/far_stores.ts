import { timers } from '../../src/lib/timers.ts'
import { aroundD1, isDeferredWrite } from './around_d1.ts'
import { aroundKv } from './around_kv.ts'

/** The duration of one call, in milliseconds of virtual time. */
export interface Latencies {
  primary: number
  replica: number
  kv: number
}

/** Every call takes 1 ms, so the elapsed time is the number of sequential calls. */
export const ONE_EACH: Latencies = { primary: 1, replica: 1, kv: 1 }

/** The only read of a replica: the user at a successful sign-in. */
const REPLICA_READ = /json_group_array\(json_object\('kind', kind/

/** D1 and KV whose calls take virtual time. Calls that no response waits for take none. */
export class FarStores {
  latencies = ONE_EACH
  /** The number of calls that a response waits for. */
  calls = 0
  #running = 0
  readonly env = {
    DB: aroundD1((sql, call) => this.#delay(REPLICA_READ.test(sql) ? 'replica' : 'primary', sql, call)),
    KV: aroundKv((name, call) => this.#delay('kv', name, call)),
  }

  get areAtWork(): boolean {
    return this.#running > 0
  }

  async #delay<T>(store: keyof Latencies, what: string, call: () => Promise<T>): Promise<T> {
    const isWaitedFor = !isDeferredWrite(what) && !what.startsWith('put ')
    if (isWaitedFor) {
      this.calls++
      await new Promise<void>((resolve) => timers.start(resolve, this.latencies[store]))
    }
    this.#running++
    try {
      return await call()
    } finally {
      this.#running--
    }
  }
}
