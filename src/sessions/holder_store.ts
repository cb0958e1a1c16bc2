import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import type { SqlDatabase, SqlStatement } from '../storage/sql_database.ts'
import { decodeUserRow, USER_COLUMNS } from '../users/user.ts'
import type { UserDatabases } from '../users/user_databases_store.ts'
import { type Holder, type HolderCheck, type HolderGuard, type HolderRun, NO_GUARD } from './holder_check.ts'
import {
  CONDITIONS,
  HOLDER,
  type HolderProblem,
  type HolderQuery,
  problemOf,
  USER_CONDITIONS,
} from './holder_conditions.ts'

/** The first problem in D1. */
const PROBLEM = problemOf(CONDITIONS)

/** The columns that `decodeHolder` decodes. */
export const HOLDER_COLUMNS = `c.scopes AS client_scopes, c.access_valid_from AS client_valid_from,
  ${USER_COLUMNS.map((name) => `u.${name}`).join(', ')}`

const SELECT_HOLDER = `SELECT ${PROBLEM} AS problem, ${HOLDER_COLUMNS} FROM ${HOLDER}`

/** The user alone, in another database than the client. */
const SELECT_USER = `SELECT ${problemOf(USER_CONDITIONS)} AS problem, ${HOLDER_COLUMNS} FROM ${HOLDER}`

const rowSchema = z.object({
  problem: z.nullable(z.enum(Object.keys(CONDITIONS) as [HolderProblem, ...HolderProblem[]])),
  id: z.nullable(z.string()),
  client_scopes: z.nullable(z.string()),
  client_valid_from: z.nullable(z.int()),
})
const scopesSchema: z.ZodMiniType<string[]> = z.array(z.string())

/** Statements for the transaction of a check. */
interface Others {
  before?: Statements
  alongside?: Statements
}

/** Checks the client of a token in the main database, and its user in the database of the user: the systems of record. */
export class HolderStore {
  readonly #databases: UserDatabases
  readonly #db: D1Database

  constructor(databases: UserDatabases) {
    this.#databases = databases
    this.#db = databases.home
  }

  /** Whether `db` is the main database. If so, one transaction can check the holder and change a session. */
  isIn(db: SqlDatabase): boolean {
    return db === this.#db
  }

  /**
   * @param others Statements for the transaction in the main database, before the check and after it.
   * @throws StorageUnavailable, CorruptRecord
   */
  async find(query: HolderQuery, others: Others = {}): Promise<Holder> {
    const db = this.#databaseOf(query)
    if (db === this.#db) return this.#findInMain(query, others)
    const select = db.prepare(SELECT_USER).bind(JSON.stringify(query))
    const [holder, row] = await Promise.all([
      this.#findInMain({ ...query, subject: null }, others),
      callStore('D1 users', () => select.first()),
    ])
    const { problem, user } = decodeHolder(row)
    return { ...holder, problem: holder.problem ?? problem, user }
  }

  #databaseOf({ subject }: HolderQuery): D1Database {
    return subject === null ? this.#db : this.#databases.of(subject)
  }

  async #findInMain(query: HolderQuery, { before = [], alongside = [] }: Others): Promise<Holder> {
    if (before.length + alongside.length === 0)
      return decodeHolder(await callStore('D1 clients', () => this.select(query).first()))
    const statements = [...before, this.select(query), ...alongside]
    const results = await callStore('D1 clients', () => this.#db.batch(statements))
    return decodeHolder(results[before.length]?.results[0])
  }

  /** The check for sessions in `db`. */
  checkFor(db: SqlDatabase): HolderCheck {
    const outside = this.#checkOutside(db)
    if (!this.isIn(db)) return outside
    const inside = this.#checkInside(db)
    const checkOf = (query: HolderQuery) => (this.#databaseOf(query) === db ? inside : outside)
    return {
      change: (query, change, otherwise) => checkOf(query).change(query, change, otherwise),
      read: (query, statement) => checkOf(query).read(query, statement),
    }
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
