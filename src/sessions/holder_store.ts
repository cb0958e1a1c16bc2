import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import type { SqlDatabase, SqlStatement } from '../storage/sql_database.ts'
import { decodeUserRow, USER_COLUMNS } from '../users/user.ts'
import { type Holder, type HolderCheck, type HolderGuard, type HolderRun, NO_GUARD } from './holder_check.ts'
import { CONDITIONS, HOLDER, type HolderProblem, type HolderQuery, problemOf } from './holder_conditions.ts'

/** The first problem in D1. */
const PROBLEM = problemOf(CONDITIONS)

/** The columns that `decodeHolder` decodes. */
export const HOLDER_COLUMNS = `c.scopes AS client_scopes, c.access_valid_from AS client_valid_from,
  ${USER_COLUMNS.map((name) => `u.${name}`).join(', ')}`

const SELECT_HOLDER = `SELECT ${PROBLEM} AS problem, ${HOLDER_COLUMNS} FROM ${HOLDER}`

const rowSchema = z.object({
  problem: z.nullable(z.enum(Object.keys(CONDITIONS) as [HolderProblem, ...HolderProblem[]])),
  id: z.nullable(z.string()),
  client_scopes: z.nullable(z.string()),
  client_valid_from: z.nullable(z.int()),
})
const scopesSchema: z.ZodMiniType<string[]> = z.array(z.string())

/** Checks the client and the user of a token in the main database, the system of record. */
export class HolderStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Whether `db` is the main database. If so, one transaction can check the holder and change a session. */
  isIn(db: SqlDatabase): boolean {
    return db === this.#db
  }

  /**
   * @param others Statements for the same transaction, before the check and after it.
   * @throws StorageUnavailable, CorruptRecord
   */
  async find(
    query: HolderQuery,
    { before = [], alongside = [] }: { before?: Statements; alongside?: Statements } = {},
  ): Promise<Holder> {
    if (before.length + alongside.length === 0)
      return decodeHolder(await callStore('D1 clients', () => this.select(query).first()))
    const statements = [...before, this.select(query), ...alongside]
    const results = await callStore('D1 clients', () => this.#db.batch(statements))
    return decodeHolder(results[before.length]?.results[0])
  }

  /** The check for sessions in `db`. */
  checkFor(db: SqlDatabase): HolderCheck {
    return this.isIn(db) ? this.#checkInside(db) : this.#checkOutside(db)
  }

  #checkInside(db: SqlDatabase): HolderCheck {
    const run = async (query: HolderQuery, statements: readonly SqlStatement[]): Promise<HolderRun> => {
      const batch = [this.select(query), ...statements]
      const [found, ...results] = await callStore('D1 sessions', () => db.batch(batch))
      return { holder: decodeHolder(found?.results[0]), knownAt: query.now, results }
    }
    return {
      change: (query, change, otherwise) => run(query, [change(guardFor(query)), otherwise]),
      read: (query, statement) => run(query, [statement]),
    }
  }

  #checkOutside(db: SqlDatabase): HolderCheck {
    return {
      change: async (query, change, otherwise) => {
        const holder = await this.find(query)
        const found = { holder, knownAt: query.now }
        if (holder.problem !== null) return { ...found, results: [] }
        const batch = [change(NO_GUARD), otherwise]
        return { ...found, results: await callStore('D1 sessions', () => db.batch(batch)) }
      },
      read: async (query, statement) => {
        const reading = callStore('D1 sessions', () => statement.run())
        const [holder, result] = await Promise.all([this.find(query), reading])
        return { holder, knownAt: query.now, results: [result] }
      },
    }
  }

  /** The statement of `find`, for a batch. `decodeHolder` decodes its row. */
  select(query: HolderQuery): D1PreparedStatement {
    return this.#db.prepare(SELECT_HOLDER).bind(JSON.stringify(query))
  }
}

export function guardFor(query: HolderQuery): HolderGuard {
  return { sql: `(SELECT ${PROBLEM} FROM ${HOLDER}) IS NULL`, query: JSON.stringify(query) }
}

/** @throws CorruptRecord */
export function decodeHolder(row: unknown): Holder {
  const { problem, id, client_scopes, client_valid_from } = decodeRecord(rowSchema, 'token holder', row)
  const scopes = parseJsonColumn('token holder', client_scopes ?? '[]')
  return {
    problem,
    user: id === null ? null : decodeUserRow(row),
    clientScopes: decodeRecord(scopesSchema, 'token holder', scopes),
    clientValidFrom: client_valid_from ?? 0,
  }
}
