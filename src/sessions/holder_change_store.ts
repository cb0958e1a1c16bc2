import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import { callStore } from '../lib/storage_error.ts'
import { RESTORE_MARK } from '../storage/change_list_store.ts'
import { HOLDER_KNOWLEDGE_SECONDS } from '../storage/copy_ages.ts'
import type { SqlDatabase, SqlStatement } from '../storage/sql_database.ts'
import { HOME } from '../users/user_databases_store.ts'

/** The maximum number of changes in one read. A read gets the newest changes, and older copies are removed. */
const MAX_CHANGES = 1000

/** SQL for the number of the latest change in a list, for the newest ids, and for the oldest number if the ids are not all. */
function changesSql(table: string, id: string, applied: string): string {
  const newest = `(SELECT seq, name FROM ${table} WHERE seq > ${applied} ORDER BY seq DESC LIMIT ?3)`
  return `(SELECT coalesce(max(seq), 0) FROM ${table}) AS ${table}_latest,
    (SELECT json_group_array(${id}) FROM ${newest}) AS ${table}_ids,
    (SELECT iif(count(*) = ?3, min(seq), NULL) FROM ${newest}) AS ${table}_oldest`
}

const SELECT_CHANGES = `SELECT ${changesSql('copy_changes', "substr(name, length('client:') + 1)", '?1')},
  ${changesSql('user_changes', 'name', '?2')},
  (SELECT coalesce(max(seq), 0) FROM copy_changes WHERE name = '${RESTORE_MARK}') AS restored_seq`

const changesSchema = z.object({
  copy_changes_latest: z.int(),
  copy_changes_ids: z.string(),
  copy_changes_oldest: z.nullable(z.int()),
  user_changes_latest: z.int(),
  user_changes_ids: z.string(),
  user_changes_oldest: z.nullable(z.int()),
  restored_seq: z.int(),
})
const RESTORED_SEQ = 'coalesce((SELECT seq FROM restores WHERE name = ?1), 0) AS restored_seq'
const SELECT_APPLIED = `SELECT clients_seq, users_seq, ${RESTORED_SEQ} FROM copy_lists`
/** A further database has no clients. */
const SELECT_APPLIED_FURTHER = `SELECT 0 AS clients_seq,
  coalesce((SELECT users_seq FROM further_lists WHERE name = ?1), 0) AS users_seq, ${RESTORED_SEQ}`
const appliedSchema = z.object({ clients_seq: z.int(), users_seq: z.int(), restored_seq: z.int() })

/** The new changes of one list, for the copies in one table. */
interface Changes {
  table: 'clients' | 'users'
  key: 'client_id' | 'id'
  /** The number of the latest change that was applied before. */
  applied: number
  latest: number
  /** A JSON array of ids. */
  ids: string
  /** The number of the oldest change among the ids if there are older new changes; else null. */
  oldest: number | null
}

/** Removes the copies of changed clients and users in a session object, by the lists of changes in one database. */
export class HolderChangeStore {
  readonly #copies: SqlDatabase
  readonly #database: () => D1Database
  readonly #name: string
  #readAt = Number.NEGATIVE_INFINITY
  /** The last read that was started, and its time. */
  #reading: { startedAt: number; done: Promise<void> } | null = null

  /** @param name The name of the database (`UserDatabases`). */
  constructor(copies: SqlDatabase, database: () => D1Database, name = HOME) {
    this.#copies = copies
    this.#database = database
    this.#name = name
  }

  /** The start of the last read of the lists that was applied. Unix seconds; null before the first read. */
  get readAt(): number | null {
    return Number.isFinite(this.#readAt) ? this.#readAt : null
  }

  /** Starts a read of the lists if the last one is too old. A failure is logged, and the next read comes after the same time. */
  refresh(now: number, waitUntil: (work: Promise<unknown>) => void): void {
    const startedAt = this.#reading?.startedAt ?? Number.NEGATIVE_INFINITY
    if (Math.abs(now - startedAt) < HOLDER_KNOWLEDGE_SECONDS.refreshAfter) return
    waitUntil(
      this.renew(now).catch((error) => log('error', 'changes_not_read', { cause: describeError(error) })),
    )
  }

  /** Waits until the copies include each change before `now`. Parallel calls of one second share a read. @throws StorageUnavailable */
  renew(now: number): Promise<void> {
    if (this.#reading?.startedAt === now) return this.#reading.done
    const done = this.#read(now)
    this.#reading = { startedAt: now, done }
    return done
  }

  async #read(now: number): Promise<void> {
    const sql = this.#name === HOME ? SELECT_APPLIED : SELECT_APPLIED_FURTHER
    const selectApplied = this.#copies.prepare(sql).bind(this.#name)
    const applied = decodeRecord(appliedSchema, 'copy lists', await selectApplied.first())
    const select = this.#database()
      .prepare(SELECT_CHANGES)
      .bind(applied.clients_seq, applied.users_seq, MAX_CHANGES)
    const found = decodeRecord(changesSchema, 'changes', await callStore('D1 changes', () => select.first()))
    const clients: Changes = {
      table: 'clients',
      key: 'client_id',
      applied: applied.clients_seq,
      latest: found.copy_changes_latest,
      ids: found.copy_changes_ids,
      oldest: found.copy_changes_oldest,
    }
    const users: Changes = {
      table: 'users',
      key: 'id',
      applied: applied.users_seq,
      latest: found.user_changes_latest,
      ids: found.user_changes_ids,
      oldest: found.user_changes_oldest,
    }
    const isRestored = found.restored_seq !== applied.restored_seq
    const statements = [
      ...[clients, users].flatMap((changes) => this.#removals(changes)),
      ...(isRestored ? this.#restart(found.restored_seq) : []),
    ]
    if (statements.length > 0) await this.#copies.batch(statements)
    this.#readAt = now
  }

  /** SQL for whether the list has the changes of a copy. The pattern is a constant of config.yml, without quotes. */
  #isOfList(key: Changes['key']): string {
    return this.#name === HOME ? `${key} NOT GLOB 'user:*.*'` : `${key} GLOB 'user:${this.#name}.*'`
  }

  /**
   * Makes the statements for a restored database: they remove all copies of its records. After a restore of the main database, the outbox
   * sends all its rows again.
   */
  #restart(seq: number): SqlStatement[] {
    return [
      ...(['client_id', 'id'] as const).map((key) =>
        this.#copies.prepare(
          `DELETE FROM ${key === 'id' ? 'users' : 'clients'} WHERE ${this.#isOfList(key)}`,
        ),
      ),
      this.#copies
        .prepare(
          `INSERT INTO restores (name, seq, resend_after, resend_cutoffs_after) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT DO UPDATE SET seq = ?2, resend_after = ?3, resend_cutoffs_after = ?4`,
        )
        .bind(this.#name, seq, ...(this.#name === HOME ? ['', 0] : [null, null])),
    ]
  }

  #applied(table: Changes['table'], latest: number): SqlStatement {
    if (this.#name === HOME)
      return this.#copies.prepare(`UPDATE copy_lists SET ${table}_seq = ?`).bind(latest)
    return this.#copies.prepare('INSERT OR REPLACE INTO further_lists VALUES (?, ?)').bind(this.#name, latest)
  }

  /** Makes the statements that remove outdated copies. They are none if the list has no new change. */
  #removals({ table, key, applied, latest, ids, oldest }: Changes): SqlStatement[] {
    if (latest === applied) return []
    // After a restore of D1 from a backup, the latest change is older than the last one, and every copy can be wrong.
    const lastUnknown = latest < applied ? Number.MAX_SAFE_INTEGER : (oldest ?? 0) - 1
    return [
      this.#copies
        .prepare(`DELETE FROM ${table} WHERE ${key} IN (SELECT value FROM json_each(?)) AND as_of < ?`)
        .bind(ids, latest),
      ...(lastUnknown < 0
        ? []
        : [
            this.#copies
              .prepare(`DELETE FROM ${table} WHERE as_of < ? AND ${this.#isOfList(key)}`)
              .bind(lastUnknown),
          ]),
      this.#applied(table, latest),
    ]
  }
}
