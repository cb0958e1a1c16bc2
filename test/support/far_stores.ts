import { env } from 'cloudflare:workers'
import { timers } from '../../src/lib/timers.ts'
import { aroundD1, isDeferredWrite } from './around_d1.ts'
import { aroundKv } from './around_kv.ts'
import { aroundObjects } from './around_objects.ts'

/** A call that takes virtual time. */
export interface StoreCall {
  store: 'primary' | 'replica' | 'shard' | 'kv' | 'object' | 'primary of an object'
  isWrite: boolean
}

/** The duration of one call, in milliseconds of virtual time. Shards and objects are as far away as the primary. */
export type Latencies = Record<'primary' | 'replica' | 'kv', number>

/** Every call takes 1 ms, so the elapsed time is the number of sequential calls. */
export const ONE_EACH: Latencies = { primary: 1, replica: 1, kv: 1 }

/** The read of a user with the counts of a sign-in. */
const SIGN_IN_READ = /json_group_array\(json_object\('kind', kind/

const WRITE = /\b(?:INSERT INTO|UPDATE \w+|DELETE FROM)\b/

/** The only read of a replica: the first one of a sign-in. The second one counts a failure at the primary, in one transaction. */
const isReplicaRead = (sql: string) => SIGN_IN_READ.test(sql) && !WRITE.test(sql)

/** D1 and KV whose calls take virtual time. Calls that no response waits for take none. */
export class FarStores {
  latencies = ONE_EACH
  /** Whether calls take no time, to prepare a measurement. */
  areNear = false
  /** The number of calls that a response waits for. */
  calls = 0
  readonly #inProgress = { objects: { count: 0 }, others: { count: 0 } }
  readonly env = {
    DB: this.#aroundUsers(env.DB),
    USERS_1: this.#aroundUsers(env.USERS_1),
    USERS_2: this.#aroundUsers(env.USERS_2),
    SESSIONS_EU: aroundD1((sql, call) => this.#delay('shard', sql, call), env.SESSIONS_EU),
    SESSION_OBJECTS: aroundObjects((what, call) => this.#delay('object', what, call)),
    KV: aroundKv((name, call) => this.#delay('kv', name, call)),
  }

  get areAtWork(): boolean {
    return this.#inProgress.others.count > 0
  }

  /** Whether an object is in progress. It may wait for D1, whose call takes virtual time. */
  get mayBeAtWork(): boolean {
    return this.#inProgress.objects.count > 0
  }

  /** The main database, as a session object calls it. No response waits for the index of sessions. */
  aroundDbOfObject(db: D1Database): D1Database {
    return aroundD1(
      (sql, call) =>
        sql.includes('session_index') ? call() : this.#delay('primary of an object', sql, call),
      db,
    )
  }

  /** The duration of a call in milliseconds. A subclass can draw it. */
  protected durationOf({ store }: StoreCall): number {
    return this.latencies[store === 'replica' || store === 'kv' ? store : 'primary']
  }

  #aroundUsers(db: D1Database): D1Database {
    return aroundD1((sql, call) => this.#delay(isReplicaRead(sql) ? 'replica' : 'primary', sql, call), db)
  }

  async #delay<T>(store: StoreCall['store'], what: string, call: () => Promise<T>): Promise<T> {
    const isWaitedFor = !isDeferredWrite(what) && !what.startsWith('put ')
    const calls = store === 'object' ? this.#inProgress.objects : this.#inProgress.others
    const begin = () => {
      calls.count++
    }
    if (isWaitedFor && !this.areNear) {
      this.calls++
      const ms = this.durationOf({ store, isWrite: WRITE.test(what) })
      await (store === 'primary of an object' ? pollTimer(begin, ms) : awaitTimer(begin, ms))
    } else begin()
    try {
      return await call()
    } finally {
      calls.count--
    }
  }
}

function awaitTimer(begin: () => void, ms: number): Promise<void> {
  return new Promise<void>((resolve) =>
    timers.start(() => {
      begin()
      resolve()
    }, ms),
  )
}

/** A promise of an object must not be resolved by the test: the object would go on as a part of the test. */
async function pollTimer(begin: () => void, ms: number): Promise<void> {
  let isOver = false
  timers.start(() => {
    begin()
    isOver = true
  }, ms)
  while (!isOver) await new Promise((resolve) => setTimeout(resolve, 0))
}
