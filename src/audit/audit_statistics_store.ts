import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'

/** Counts of events in a piece of time. A refresh and its retries are tokens alike. */
export interface EventCounts {
  password: number
  guest: number
  clientCredentials: number
  refreshToken: number
  /** Sign-ins and refreshes that were refused. */
  failures: number
  /** Those that were found in a known breach, and those that could not be looked for. */
  breachedPasswords: number
  uncheckedPasswords: number
  /** Sessions that got a token. */
  activeSessions: number
}

export interface StatisticsPiece extends EventCounts {
  /** When it begins, in Unix seconds. */
  at: number
}

export interface Statistics {
  /** The newest last; pieces without an event are left out. */
  pieces: StatisticsPiece[]
  total: EventCounts
  /** Whether there were more events of these kinds than are counted: the oldest are left out. */
  isTruncated: boolean
}

/** A time and how it is cut. All in Unix seconds. */
export interface StatisticsSpan {
  /** Inclusive. */
  from: number
  /** Exclusive. */
  to: number
  pieceSeconds: number
}

/** More than an hour of a busy shop: a dashboard is not to read the whole trail. */
export const MAX_EVENTS = 50_000

const counts = {
  password: z.int(),
  guest: z.int(),
  clientCredentials: z.int(),
  refreshToken: z.int(),
  failures: z.int(),
  breachedPasswords: z.int(),
  uncheckedPasswords: z.int(),
  activeSessions: z.int(),
}
const piecesSchema = z.array(z.object({ piece: z.int(), ...counts }))
const totalSchema = z.array(z.object({ events: z.int(), ...counts }))

const IS_TOKEN = `kind IN ('issue', 'refresh', 'retry')`
const COUNTS = `
  COUNT(CASE WHEN kind = 'issue' AND reason = 'password' THEN 1 END) AS password,
  COUNT(CASE WHEN kind = 'issue' AND reason = 'guest' THEN 1 END) AS guest,
  COUNT(CASE WHEN kind = 'issue' AND reason = 'client_credentials' THEN 1 END) AS clientCredentials,
  COUNT(CASE WHEN kind IN ('refresh', 'retry') THEN 1 END) AS refreshToken,
  COUNT(CASE WHEN kind IN ('sign_in_failure', 'refresh_refused') THEN 1 END) AS failures,
  COUNT(CASE WHEN kind = 'breached_password' THEN 1 END) AS breachedPasswords,
  COUNT(CASE WHEN kind = 'unchecked_password' THEN 1 END) AS uncheckedPasswords,
  COUNT(DISTINCT CASE WHEN ${IS_TOKEN} THEN sid END) AS activeSessions`

/** By the index over time, the newest first. Other kinds, such as an import's thousands, take nobody's place. */
const NEWEST = `(SELECT at, kind, reason, sid FROM audit_events INDEXED BY audit_events_by_time
  WHERE at >= ?1 AND at < ?2 AND kind IN ('issue', 'refresh', 'retry', 'sign_in_failure', 'refresh_refused',
    'breached_password', 'unchecked_password')
  ORDER BY at DESC LIMIT ?3)`

/** Counts what the audit trail holds. */
export class AuditStatisticsStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async count({ from, to, pieceSeconds }: StatisticsSpan): Promise<Statistics> {
    const byPiece = this.#db
      .prepare(
        `SELECT CAST((at - ?1) / ?4 AS INTEGER) AS piece, ${COUNTS} FROM ${NEWEST} GROUP BY piece ORDER BY piece`,
      )
      .bind(from, to, MAX_EVENTS, pieceSeconds)
    const total = this.#db
      .prepare(`SELECT COUNT(*) AS events, ${COUNTS} FROM ${NEWEST}`)
      .bind(from, to, MAX_EVENTS)
    const [pieces, sums] = await callStore(
      'D1 audit_events',
      () => this.#db.batch([byPiece, total]),
      SEARCH_DEADLINE_MS,
    )
    const [{ events, ...sum } = { events: 0, ...NOTHING }] = decodeRecord(
      totalSchema,
      'statistics',
      sums?.results,
    )
    return {
      pieces: decodeRecord(piecesSchema, 'statistics', pieces?.results).map(({ piece, ...rest }) => ({
        at: from + piece * pieceSeconds,
        ...rest,
      })),
      total: sum,
      isTruncated: events >= MAX_EVENTS,
    }
  }
}

const NOTHING: EventCounts = {
  password: 0,
  guest: 0,
  clientCredentials: 0,
  refreshToken: 0,
  failures: 0,
  breachedPasswords: 0,
  uncheckedPasswords: 0,
  activeSessions: 0,
}
