import { env } from 'cloudflare:workers'
import { timers } from '../../src/lib/timers.ts'
import { aroundD1, isDeferredWrite } from './around_d1.ts'
import { aroundKv } from './around_kv.ts'

/** A call that takes virtual time. */
export interface StoreCall {
  store: 'primary' | 'replica' | 'shard' | 'kv'
  isWrite: boolean
}

/** The duration of one call, in milliseconds of virtual time. A shard is as far away as the primary. */
export type Latencies = Record<Exclude<StoreCall['store'], 'shard'>, number>

/** Every call takes 1 ms, so the elapsed time is the number of sequential calls. */
export const ONE_EACH: Latencies = { primary: 1, replica: 1, kv: 1 }

/** The only read of a replica: the user at a successful sign-in. */
const REPLICA_READ = /json_group_array\(json_object\('kind', kind/

const WRITE = /\b(?:INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b/

/** D1 and KV whose calls take virtual time. Calls that no response waits for take none. */
export class FarStores {
  latencies = ONE_EACH
  /** The number of calls that a response waits for. */
  calls = 0
  #running = 0
  readonly env = {
    DB: aroundD1((sql, call) => this.#delay(REPLICA_READ.test(sql) ? 'replica' : 'primary', sql, call)),
    SESSIONS_EU: aroundD1((sql, call) => this.#delay('shard', sql, call), env.SESSIONS_EU),
    KV: aroundKv((name, call) => this.#delay('kv', name, call)),
  }

  get areAtWork(): boolean {
    return this.#running > 0
  }

  /** The duration of a call in milliseconds. A subclass can draw it. */
  protected durationOf({ store }: StoreCall): number {
    return this.latencies[store === 'shard' ? 'primary' : store]
  }

  async #delay<T>(store: StoreCall['store'], what: string, call: () => Promise<T>): Promise<T> {
    const isWaitedFor = !isDeferredWrite(what) && !what.startsWith('put ')
    if (isWaitedFor) {
      this.calls++
      const ms = this.durationOf({ store, isWrite: WRITE.test(what) })
      await new Promise<void>((resolve) => timers.start(resolve, ms))
    }
    this.#running++
    try {
      return await call()
    } finally {
      this.#running--
    }
  }
}
