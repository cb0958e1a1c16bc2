import { DurableObject } from 'cloudflare:workers'
import type { IndexDatabaseConfig } from '../config/session_schema.ts'
import { systemClock } from '../lib/clock.ts'
import { describeError, log } from '../lib/log.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import type { HolderQuery } from './holder_conditions.ts'
import { HolderReplicaStore } from './holder_replica_store.ts'
import { ObjectDatabase } from './object_database_store.ts'
import { ObjectOutbox } from './object_outbox_store.ts'
import { type ObjectAnswer, type ObjectBatch, ObjectTables } from './object_tables_store.ts'
import { openIndex } from './session_index_store.ts'
import { type Rotation, type RotationResult, SessionRotationStore } from './session_rotation_store.ts'
import type { TokenLifetimes } from './session_store.ts'

/** The time in which an object gathers rows for one call to D1, and after which it repeats a failed call. */
const OUTBOX_SECONDS = 5

/** An object removes expired sessions once in this time. */
const SWEEP_SECONDS = 86_400

/** The most sessions that one run of the alarm removes. A request waits while the statement runs. */
const SWEPT_AT_ONCE = 5000

/** One use of a refresh token. */
export interface ObjectRefresh extends Pick<TokenLifetimes, 'refreshRetryWindowSeconds'> {
  rotation: Rotation
  query: HolderQuery
}

/**
 * The sessions of one object near a market. It runs the SQL of the session stores on its own SQLite database. Ended sessions and
 * the index go to the main database (`env.DB`). The index also goes to `indexDatabases`.
 */
export class SessionObject extends DurableObject<{ DB: D1Database }> {
  readonly #tables: ObjectTables
  readonly #outbox: ObjectOutbox
  /** The own database of the object. */
  readonly #db: ObjectDatabase
  readonly #holders: HolderReplicaStore
  /** The databases of the index beside the main database. */
  readonly indexDatabases: readonly IndexDatabaseConfig[]
  /** When the alarm rings, in Unix seconds; null without an alarm. */
  #alarmAt: number | null = null

  constructor(
    ctx: DurableObjectState,
    env: { DB: D1Database },
    indexDatabases: readonly IndexDatabaseConfig[] = [],
  ) {
    super(ctx, env)
    this.indexDatabases = indexDatabases
    this.#tables = new ObjectTables(ctx.storage)
    this.#outbox = new ObjectOutbox(
      ctx.storage.sql,
      () => this.env.DB,
      () => openIndex(this.env.DB, this.indexDatabases, (binding) => this.#requireDatabase(binding)),
    )
    this.#db = new ObjectDatabase(this)
    this.#holders = new HolderReplicaStore(
      this.#db,
      (binding) => (binding === undefined ? this.env.DB : this.#requireDatabase(binding)),
      (work) => ctx.waitUntil(work),
    )
    void ctx.blockConcurrencyWhile(async () => {
      this.#tables.migrate()
      const alarm = await ctx.storage.getAlarm()
      this.#alarmAt = alarm === null ? null : Math.ceil(alarm / 1000)
    })
  }

  /**
   * Runs statements in one transaction. If a statement ends sessions, the call returns after the revocation feed has
   * the ended sessions.
   *
   * @throws the error of SQLite: then no statement has an effect. StorageUnavailable if the feed may lack an ended session: repeat
   *   the call
   */
  async run({ statements }: ObjectBatch): Promise<ObjectAnswer> {
    const { results, hasAdded } = this.#tables.run(statements)
    if (hasAdded) await this.#setAlarm()
    if (statements.some(({ sql }) => sql.includes('INTO cutoffs'))) await this.#outbox.sendCutoffs()
    return { results }
  }

  /**
   * Uses a refresh token. The object decides by its copies of records whether the client and the user of the token may refresh.
   *
   * @throws an error if D1 is needed and does not respond: then the token stays unused
   */
  refresh({ rotation, query, ...lifetimes }: ObjectRefresh): Promise<RotationResult> {
    return new SessionRotationStore(this.#db, this.#holders, lifetimes).use(rotation, query)
  }

  /**
   * Uses the refresh tokens of parallel requests, one after the other. The method never reads D1, so no refresh
   * waits for the read of another one, and no other call of the object comes between two of the refreshes.
   *
   * @returns the result of each refresh; null for a refresh that needs D1 or fails: a call of `refresh` then gives its result or error
   */
  async refreshAll(refreshes: ObjectRefresh[]): Promise<(RotationResult | null)[]> {
    const results: (RotationResult | null)[] = []
    for (const { rotation, query, ...lifetimes } of refreshes) {
      const store = new SessionRotationStore(this.#db, this.#holders.withoutReads, lifetimes)
      results.push(await store.use(rotation, query).catch(() => null))
    }
    return results
  }

  /** Reads the lists of changed records if they are too old for a refresh at `now`, in Unix seconds. @throws an error of D1 */
  prepare(now: number): Promise<void> {
    return this.#holders.prepare(now)
  }

  /** Sends the rows that D1 still needs, and removes expired sessions once a day. If a call fails, a later alarm repeats it. */
  override async alarm(): Promise<void> {
    this.#alarmAt = null
    const now = systemClock.now()
    if (now >= (this.#tables.nextSweepAt ?? now)) this.sweep(now)
    const hasRevocations = await this.#attempt(async () => {
      await this.#outbox.sendCutoffs()
      // The lists of changed records show whether D1 was restored to an earlier state.
      await this.#holders.prepare(now)
      await this.#outbox.sendCutoffsAgain()
    })
    const hasIndex = await this.#attempt(async () => {
      await this.#outbox.sendIndexChanges()
      await this.#outbox.sendIndexAgain()
    })
    await this.#setAlarm(!hasRevocations || !hasIndex)
  }

  /** @returns whether the work succeeded. A failure is logged. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      log('error', 'session_object_not_sent', { cause: describeError(error) })
      return false
    }
  }

  /** Removes expired sessions. The alarm then removes them from the index. @param now Unix seconds */
  sweep(now: number): void {
    const removed = this.#tables.sweep(now, SWEPT_AT_ONCE)
    this.#tables.sweepCopies(now)
    this.#tables.sweepCutoffs(now)
    this.#tables.nextSweepAt = removed < SWEPT_AT_ONCE ? now + SWEEP_SECONDS : now
    if (removed > 0) log('info', 'swept', { table: 'sessions (object)', removed })
  }

  /** A further database of users or of the index. @throws StorageUnavailable if the Worker has no such binding */
  #requireDatabase(binding: string): D1Database {
    const db = new Map(Object.entries(this.env)).get(binding)
    if (db) return db
    throw new StorageUnavailable(`the binding ${binding} is missing: add it to wrangler.toml`)
  }

  /**
   * Sets the alarm. In `run`, no other work comes between a write and this call, so the object stores the rows and the alarm
   * together. So the rows for D1 are sent also if the process ends.
   *
   * @param hasFailed Whether a call to D1 must be repeated.
   */
  async #setAlarm(hasFailed = false): Promise<void> {
    const now = systemClock.now()
    const sendAt = !hasFailed && this.#outbox.isEmpty ? Number.POSITIVE_INFINITY : now + OUTBOX_SECONDS
    const sweepAt = () => this.#tables.nextSweepAt ?? now + SWEEP_SECONDS
    const at = Math.min(sendAt, this.#alarmAt ?? sweepAt())
    if (at === this.#alarmAt) return
    this.#alarmAt = at
    await this.ctx.storage.setAlarm(at * 1000)
  }
}
