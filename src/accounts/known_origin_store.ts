import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { ExpiredRowsStore } from '../storage/expired_rows_store.ts'

const STORE = 'D1 known_origins'

const DAY = 86_400

/** An unused origin is known for this time, like the cookie that recognizes a browser. */
export const ORIGIN_SECONDS = 400 * DAY

/** The most origins of a user. A further one replaces the one that was seen least recently. */
export const MAX_ORIGINS = 20

/** The hash of an origin of a user. */
export interface OriginReference {
  subject: string
  /** The hashes under each sealing key. The first one is stored. */
  origins: readonly [string, ...string[]]
}

/** The origin of a finished sign-in. */
export interface SeenOrigin extends OriginReference {
  /** Unix seconds. */
  now: number
}

/** Whether the user has signed in from the origin before, or from no origin yet. */
export type OriginState = 'known' | 'new' | 'first'

/** An origin of each entry: ?1 is a JSON array of `{ subject, origin, origins, now }`. The row of an entry has its place. */
const SELECT_STATES = `
  SELECT (SELECT count(*) FROM known_origins WHERE subject = e.value ->> 'subject') AS origins,
    (SELECT count(*) FROM known_origins WHERE subject = e.value ->> 'subject'
      AND origin IN (SELECT value FROM json_each(e.value -> 'origins'))) AS is_known
  FROM json_each(?1) AS e ORDER BY e.key`

/** A known origin is written once a day at most. */
const REMEMBER = `
  INSERT INTO known_origins (subject, origin, seen_at)
  SELECT value ->> 'subject', value ->> 'origin', value ->> 'now' FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at WHERE seen_at <= excluded.seen_at - ${DAY}`

/** The origins of the entries are the last ones to go. */
const DROP_OLDEST = `
  DELETE FROM known_origins WHERE changes() > 0 AND (subject, origin) IN (
    SELECT subject, origin FROM (
      SELECT k.subject, k.origin, row_number() OVER (PARTITION BY k.subject
        ORDER BY (k.subject, k.origin) IN (SELECT value ->> 'subject', value ->> 'origin' FROM json_each(?1)) DESC, k.seen_at DESC) AS place
      FROM known_origins AS k WHERE k.subject IN (SELECT value ->> 'subject' FROM json_each(?1)))
    WHERE place > ${MAX_ORIGINS})`

const FORGET = `
  UPDATE OR REPLACE known_origins SET origin = 'forgotten ' || origin
  WHERE subject = ? AND origin NOT LIKE 'forgotten %'`

const stateSchema = z.object({ origins: z.int(), is_known: z.int() })

/** The origins of sign-ins in D1. Each call throws StorageUnavailable. */
export class KnownOriginStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** The state of an origin. It is not remembered. */
  async find(reference: OriginReference): Promise<OriginState> {
    const select = this.#db.prepare(SELECT_STATES).bind(entriesOf([{ ...reference, now: 0 }]))
    return stateOf(await callStore(STORE, () => select.first()), new Set())
  }

  /** The statements that remember origins and read their states before. `readStates` reads the results. */
  remembering(seen: readonly SeenOrigin[]): D1PreparedStatement[] {
    const entries = entriesOf(seen)
    return [SELECT_STATES, REMEMBER, DROP_OLDEST].map((sql) => this.#db.prepare(sql).bind(entries))
  }

  /**
   * The state of each origin before its sign-in. Of parallel sign-ins from a new origin, exactly one gets the state `new`.
   *
   * @throws CorruptRecord
   */
  readStates(seen: readonly SeenOrigin[], [states]: readonly D1Result[]): OriginState[] {
    const earlier = new Map<string, Set<string>>()
    return seen.map(({ subject, origins: [origin] }, i) => {
      const ofUser = earlier.get(subject) ?? new Set()
      const state = ofUser.has(origin) ? 'known' : stateOf(states?.results[i], ofUser)
      earlier.set(subject, ofUser.add(origin))
      return state
    })
  }

  /**
   * A statement that makes every origin of a user unknown if the statement before it changed a row. The rows stay, so that the next
   * origin is not the first one. An origin that was forgotten twice keeps one row.
   */
  forgettingIfChanged(subject: string): D1PreparedStatement {
    return this.#db.prepare(`${FORGET} AND changes() > 0`).bind(subject)
  }

  /** Makes every origin of a user of a further database unknown. */
  async forget(subject: string): Promise<void> {
    const forget = this.#db.prepare(FORGET).bind(subject)
    await callStore(STORE, () => forget.run())
  }

  /** Removes up to `limit` origins that were not seen since a time. @returns how many */
  sweep(before: number, limit: number): Promise<number> {
    const table = { name: 'known_origins', key: 'subject, origin', time: 'seen_at' }
    return new ExpiredRowsStore(this.#db, table).sweep(before, limit)
  }
}

function entriesOf(seen: readonly SeenOrigin[]): string {
  return JSON.stringify(
    seen.map(({ subject, origins, now }) => ({ subject, origin: origins[0], origins, now })),
  )
}

/** @param earlier The origins of earlier sign-ins of the user in the same call. */
function stateOf(row: unknown, earlier: ReadonlySet<string>): OriginState {
  const { origins, is_known: isKnown } = decodeRecord(stateSchema, 'known origins', row)
  if (isKnown > 0) return 'known'
  return origins > 0 || earlier.size > 0 ? 'new' : 'first'
}
