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
  before: Statements
  /** @param guard The condition that the holder has no problem. The statements do not run if the user has one in another database. */
  alongside(guard: HolderGuard): Statements
}

/** Checks the client of a token in the main database, and its user in the database of the user: the systems of record. */
export class HolderStore {
  readonly #databases: UserDatabases
  readonly #db: D1Database

  constructor(databases: UserDatabases) {
    this.#databases = databases
    this.#db = databases.home
  }

  /** Whether one transaction in `db` can check the holder and change a session: `db` is the main database and has the user. */
  isIn(db: SqlDatabase, query: HolderQuery): boolean {
    return db === this.#db && this.#databaseOf(query) === db
  }

  /** Checks a holder. A user of a further database is read at the same time as the client. @throws StorageUnavailable, CorruptRecord */
  async find(query: HolderQuery): Promise<Holder> {
    if (this.#databaseOf(query) === this.#db) return this.#findInMain(query)
    const [holder, found] = await Promise.all([this.#findInMain(withoutUser(query)), this.#findUser(query)])
    return join(holder, found)
  }

  /**
   * Checks a holder with statements for the transaction in the main database. A user of a further database is read first, so that nothing
   * is stored for a user with a problem, or while the database of the user is down.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async findWith(query: HolderQuery, { before, alongside }: Others): Promise<Holder> {
    if (this.#databaseOf(query) === this.#db)
      return this.#findInMain(query, before, alongside(guardFor(query)))
    const found = await this.#findUser(query)
    const inMain = withoutUser(query)
    const after = found.problem === null ? alongside(guardFor(inMain)) : []
    return join(await this.#findInMain(inMain, before, after), found)
  }

  #databaseOf({ subject }: HolderQuery): D1Database {
    return subject === null ? this.#db : this.#databases.of(subject)
  }

  /** Checks the user alone, at the primary of the database of the user. */
  async #findUser(query: HolderQuery): Promise<Holder> {
    const select = this.#databaseOf(query).prepare(SELECT_USER).bind(JSON.stringify(query))
    return decodeHolder(await callStore('D1 users', () => select.first()))
  }

  async #findInMain(
    query: HolderQuery,
    before: Statements = [],
    alongside: Statements = [],
  ): Promise<Holder> {
    if (before.length + alongside.length === 0)
      return decodeHolder(await callStore('D1 clients', () => this.select(query).first()))
    const statements = [...before, this.select(query), ...alongside]
    const results = await callStore('D1 clients', () => this.#db.batch(statements))
    return decodeHolder(results[before.length]?.results[0])
  }

  /** The check for sessions in `db`. */
  checkFor(db: SqlDatabase): HolderCheck {
    const outside = this.#checkOutside(db)
    if (db !== this.#db) return outside
    const inside = this.#checkInside(db)
    const checkOf = (query: HolderQuery) => (this.isIn(db, query) ? inside : outside)
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

function withoutUser(query: HolderQuery): HolderQuery {
  return { ...query, subject: null }
}

/** The client of one check and the user of another. */
function join(holder: Holder, { problem, user }: Holder): Holder {
  return { ...holder, problem: holder.problem ?? problem, user }
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
