import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import type { SqlDatabase } from '../storage/sql_database.ts'
import { decodeUserRow, type StoredUser, USER_COLUMNS } from '../users/user.ts'
import { CONDITIONS, HOLDER, type HolderProblem, type HolderQuery, problemOf } from './holder_conditions.ts'

/** The current client and user of a token in the database. */
export interface Holder {
  /** Why the token is refused; null if it is valid. */
  problem: HolderProblem | null
  /** Null if the token belongs to a visitor or to the client itself, or if the user was deleted. */
  user: StoredUser | null
  /** The current scopes of the client; empty if the client was deleted. */
  clientScopes: readonly string[]
  /** Access tokens of the client that were issued before this moment are refused. Unix seconds. */
  clientValidFrom: number
}

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

/** A condition for a statement in the same transaction. It is false if the holder has a problem. */
export interface HolderGuard {
  sql: string
  /** The value of `?1`, as JSON; null if the condition does not use it. Parameters of the statement begin at `?2`. */
  query: string | null
}

/** The guard of a statement after a separate check of the holder. */
export const NO_GUARD: HolderGuard = { sql: 'TRUE', query: null }

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
