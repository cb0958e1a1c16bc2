import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore, StorageUnavailable } from '../lib/storage_error.ts'
import { LATEST_CHANGE } from '../storage/change_list_store.ts'
import { HOLDER_COPY_SECONDS, HOLDER_KNOWLEDGE_SECONDS, UNDER_WAY_SECONDS } from '../storage/copy_ages.ts'
import type { SqlDatabase, SqlStatement } from '../storage/sql_database.ts'
import { databaseNameOf, HOME } from '../users/user_databases_store.ts'
import { HolderChangeStore } from './holder_change_store.ts'
import { type HolderCheck, type HolderGuard, type HolderRun, NO_GUARD } from './holder_check.ts'
import { CONDITIONS, HOLDER, type HolderQuery, problemOf } from './holder_conditions.ts'
import { COPIED_CLIENT_COLUMNS, COPIED_USER_COLUMNS } from './holder_copy_tables.ts'
import { decodeHolder, HOLDER_COLUMNS } from './holder_store.ts'

/** A time from a clock that is ahead counts as no time. */
const trusted = (time: string) => `iif(${time} <= token.now + ${UNDER_WAY_SECONDS}, ${time}, 0)`

const COPIES_READ_AT = `min(${trusted('c.read_at')}, iif(token.subject IS NULL, token.now, ${trusted('u.read_at')}))`

/**
 * The time at which the copies were known to be up to date: of the read from D1, if this request made one. Otherwise the later of the
 * last read of the lists and the read from D1 that wrote the copies.
 */
const KNOWN_AT = `coalesce(?1 ->> 'readAt', min(token.now, max(${trusted("?1 ->> 'listsReadAt'")}, ${COPIES_READ_AT})))`

/** `KNOWN_AT` must not be before this second: the latest of the issue of the token and the revocations in the copies. */
const REQUIRED_AT = `max(token.issued_at, ifnull(max(c.tokens_valid_from, c.access_valid_from), 0),
  ifnull(max(u.tokens_valid_from, u.access_valid_from), 0), ifnull(?1 ->> 'validSince', 0))`

const CONDITIONS_OF_COPIES = {
  'a copy is missing or too old': `?1 ->> 'readAt' IS NOT NULL OR ${COPIES_READ_AT} > token.now - ${HOLDER_COPY_SECONDS.max}`,
  'the knowledge is too old': `?1 ->> 'readAt' IS NOT NULL
    OR ${KNOWN_AT} >= max(token.now - ${HOLDER_KNOWLEDGE_SECONDS.max}, min(token.now, ${REQUIRED_AT}))`,
  ...CONDITIONS,
  // A session object has no copies of these records.
  'the token was revoked': 'token.jti IS NULL',
  'the browser session ended': 'token.browser_id IS NULL',
  'the consent was withdrawn': 'token.consent_id IS NULL',
} as const

const PROBLEM = problemOf(CONDITIONS_OF_COPIES)
const SELECT_HOLDER = `SELECT ${PROBLEM} AS problem, ${KNOWN_AT} AS known_at, ${HOLDER_COLUMNS} FROM ${HOLDER}`

const stateSchema = z.object({ problem: z.nullable(z.string()), known_at: z.int() })

const arrayOf = (alias: string, columns: readonly string[]) =>
  columns.map((name) => `${alias}.${name}`).join(', ')

/** D1 allows 32 arguments of a function. */
const SELECT_COPIES = `SELECT ${LATEST_CHANGE} AS clients_seq, (SELECT coalesce(max(seq), 0) FROM user_changes) AS users_seq,
  (SELECT json_array(${arrayOf('c', COPIED_CLIENT_COLUMNS)},
     (SELECT json_group_array(json_array(secret_hash, expires_at)) FROM client_secrets AS s WHERE s.client_id = c.client_id))
   FROM clients AS c WHERE c.client_id = ?1) AS client,
  (SELECT json_array(${arrayOf('u', COPIED_USER_COLUMNS)}) FROM users AS u WHERE u.id = ?2) AS user`

const copiesSchema = z.object({
  clients_seq: z.int(),
  users_seq: z.int(),
  client: z.nullable(z.string()),
  user: z.nullable(z.string()),
})

/** A record as D1 has it: a JSON array of its columns, null if it does not exist. */
interface Copy {
  table: 'clients' | 'users'
  columns: readonly string[]
  id: string
  json: string | null
  asOf: number
}

type FoundHolder = Pick<HolderRun, 'holder' | 'knownAt'>

/**
 * Copies of clients and users in a session object. Together with the lists of changes they are current up to a few seconds. A refusal
 * always comes from a read of D1, because the copies can lack a new secret or the end of a revocation.
 */
export class HolderReplicaStore implements HolderCheck {
  readonly #copies: SqlDatabase
  readonly #databaseOf: (binding?: string) => D1Database
  /** The lists of the main database, and those of further databases by their bindings. */
  readonly #changes: HolderChangeStore
  readonly #furtherChanges = new Map<string, HolderChangeStore>()
  readonly #waitUntil: (work: Promise<unknown>) => void

  /**
   * @param copies A database with HOLDER_COPY_TABLES.
   * @param databaseOf The database with a binding; the main database without one.
   * @param waitUntil Keeps the object alive for a read in the background.
   */
  constructor(
    copies: SqlDatabase,
    databaseOf: (binding?: string) => D1Database,
    waitUntil: (work: Promise<unknown>) => void,
  ) {
    this.#copies = copies
    this.#databaseOf = databaseOf
    this.#waitUntil = waitUntil
    this.#changes = new HolderChangeStore(copies, () => databaseOf())
  }

  /**
   * If a copy is missing or would refuse the token, this method first reads the holder from D1. If the lists are too old, it first reads
   * the lists. If a read fails, no statement runs. The statements run after the check, because the `iat` of the new tokens is the
   * `knownAt` of the check. The statements need no transaction: only one of them has an effect.
   */
  async change(
    query: HolderQuery,
    change: (guard: HolderGuard) => SqlStatement,
    otherwise: SqlStatement,
  ): Promise<HolderRun> {
    return runChange(await this.#find(query), change, otherwise)
  }

  /** Makes the lists young enough for a check at `now`, in Unix seconds. @throws StorageUnavailable */
  async prepare(now: number): Promise<void> {
    if (now - (this.#changes.readAt ?? 0) > HOLDER_KNOWLEDGE_SECONDS.max) await this.#changes.renew(now)
  }

  async read(query: HolderQuery, statement: SqlStatement): Promise<HolderRun> {
    return runRead(await this.#find(query), statement)
  }

  /** The same check without a wait for D1. It throws StorageUnavailable, before any statement, if the check must read D1. */
  readonly withoutReads: HolderCheck = {
    change: async (query, change, otherwise) => runChange(await this.#findAtOnce(query), change, otherwise),
    read: async (query, statement) => runRead(await this.#findAtOnce(query), statement),
  }

  async #findAtOnce(query: HolderQuery): Promise<FoundHolder> {
    this.#refreshLists(query)
    const found = await this.#findInCopies(query)
    if (found === 'unknown' || found === null) throw new StorageUnavailable('the check must read D1')
    return found
  }

  async #find(query: HolderQuery): Promise<FoundHolder> {
    const lists = this.#refreshLists(query)
    const found = await this.#findInCopies(query)
    if (found !== 'unknown') return found ?? this.#findInMain(query)
    await Promise.all(lists.map((list) => list.renew(query.now)))
    const current = await this.#findInCopies(query)
    return current === 'unknown' || current === null ? this.#findInMain(query) : current
  }

  #refreshLists(query: HolderQuery): HolderChangeStore[] {
    const lists = this.#listsOf(query)
    for (const list of lists) list.refresh(query.now, this.#waitUntil)
    return lists
  }

  /** The lists with the changes of the client and the user. */
  #listsOf({ subject, userBinding }: HolderQuery): HolderChangeStore[] {
    if (subject === null || userBinding === undefined) return [this.#changes]
    let further = this.#furtherChanges.get(userBinding)
    if (further === undefined) {
      const database = () => this.#databaseOf(userBinding)
      further = new HolderChangeStore(this.#copies, database, databaseNameOf(subject))
      this.#furtherChanges.set(userBinding, further)
    }
    return [this.#changes, further]
  }

  /** @returns `unknown` if the lists must be read first; null if D1 must decide @throws CorruptRecord */
  async #findInCopies(query: HolderQuery): Promise<FoundHolder | 'unknown' | null> {
    const times = this.#listsOf(query).map(({ readAt }) => readAt)
    const listsReadAt = times.reduce((a, b) => (a === null || b === null ? null : Math.min(a, b)))
    const select = this.#select({ ...query, listsReadAt })
    const row = await select.first()
    const { problem, known_at: knownAt } = decodeRecord(stateSchema, 'token holder', row)
    if (problem === 'the knowledge is too old') return 'unknown'
    return problem === null ? { holder: decodeHolder(row), knownAt } : null
  }

  /** Reads the client and the user from D1, and writes their copies. */
  async #findInMain(query: HolderQuery): Promise<FoundHolder> {
    const copies = await this.#readMain(query)
    const writes = copies.map((copy) => this.#write(copy, query.now))
    const removals = copies.map((copy) => this.#removeIfChanged(copy))
    const batch = [...writes, this.#select({ ...query, readAt: query.now }), ...removals]
    const results = await this.#copies.batch(batch)
    const row = results[writes.length]?.results[0]
    return { holder: decodeHolder(row), knownAt: query.now }
  }

  #select(query: HolderQuery & { listsReadAt?: number | null; readAt?: number }): SqlStatement {
    return this.#copies.prepare(SELECT_HOLDER).bind(JSON.stringify(query))
  }

  async #readMain({ clientId, subject, userBinding }: HolderQuery): Promise<Copy[]> {
    const [row, users] = await Promise.all([
      this.#readCopies(this.#databaseOf(), clientId, subject),
      userBinding === undefined ? null : this.#readCopies(this.#databaseOf(userBinding), clientId, subject),
    ])
    const client: Copy = {
      table: 'clients',
      columns: [...COPIED_CLIENT_COLUMNS, 'secrets'],
      id: clientId,
      json: row.client,
      asOf: row.clients_seq,
    }
    if (subject === null) return [client]
    const columns = COPIED_USER_COLUMNS
    const { user: json, users_seq: asOf } = users ?? row
    return [client, { table: 'users', columns, id: subject, json, asOf }]
  }

  async #readCopies(db: D1Database, clientId: string, subject: string | null) {
    const select = db.prepare(SELECT_COPIES).bind(clientId, subject)
    return decodeRecord(copiesSchema, 'copies', await callStore('D1 clients', () => select.first()))
  }

  /** Makes a statement that writes a copy, or removes that of a deleted record. An unchanged copy is written only if it is old. */
  #write({ table, columns, id, json, asOf }: Copy, now: number): SqlStatement {
    const [key, ...others] = columns
    if (json === null) return this.#copies.prepare(`DELETE FROM ${table} WHERE ${key} = ?`).bind(id)
    const isChanged = `(${arrayOf('excluded', others)}) IS NOT (${arrayOf(table, others)})`
    const isOld = `${table}.read_at NOT BETWEEN excluded.read_at - ${HOLDER_COPY_SECONDS.rewriteAfter} AND excluded.read_at`
    return this.#copies
      .prepare(
        `INSERT INTO ${table} (${columns.join(', ')}, as_of, read_at)
         SELECT ${columns.map((_, i) => `?1 ->> ${i}`).join(', ')}, ?2, ?3 WHERE TRUE
         ON CONFLICT DO UPDATE SET ${others.map((name) => `${name} = excluded.${name}`).join(', ')},
           as_of = excluded.as_of, read_at = excluded.read_at
         WHERE ${isChanged} OR ${isOld}`,
      )
      .bind(json, asOf, now)
  }

  /** Makes a statement that removes a new copy if a later change of any record was applied while D1 was read. */
  #removeIfChanged({ table, columns, id, asOf }: Copy): SqlStatement {
    const name = databaseNameOf(id)
    const applied =
      name === HOME
        ? `SELECT ${table}_seq FROM copy_lists`
        : `SELECT users_seq FROM further_lists WHERE name = '${name}'`
    return this.#copies
      .prepare(`DELETE FROM ${table} WHERE ${columns[0]} = ?1 AND as_of = ?2 AND ?2 < (${applied})`)
      .bind(id, asOf)
  }
}

async function runChange(
  found: FoundHolder,
  change: (guard: HolderGuard) => SqlStatement,
  otherwise: SqlStatement,
): Promise<HolderRun> {
  if (found.holder.problem !== null) return { ...found, results: [] }
  const changed = await change(NO_GUARD).run()
  return { ...found, results: changed.results.length > 0 ? [changed] : [changed, await otherwise.run()] }
}

async function runRead(found: FoundHolder, statement: SqlStatement): Promise<HolderRun> {
  return { ...found, results: found.holder.problem === null ? [await statement.run()] : [] }
}
