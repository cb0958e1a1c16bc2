import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import {
  assignmentsOf,
  type EditOutcome,
  judgeEdit,
  type SqlPart,
  type TokenStarts,
  tokenStartAssignmentsOf,
  versionGuard,
} from '../lib/edit.ts'
import { describeError, log } from '../lib/log.ts'
import { settleAll } from '../lib/settle_all.ts'
import { callStore } from '../lib/storage_error.ts'
import type { Spending } from '../onetime/one_time_store.ts'
import { isReserved, NameReservationStore } from './name_reservation_store.ts'
import type { Profile } from './profile.ts'
import type { UnstoredUser } from './user.ts'
import type { UserDatabases } from './user_databases_store.ts'
import { INSERT_USERS, toInsert } from './user_insertion.ts'
import { decodeUserRecord, type UserRecord } from './user_record.ts'

/** The changes of a user. Absent members stay unchanged. */
export interface UserEdit extends TokenStarts {
  username?: string | undefined
  roles?: readonly string[] | undefined
  profile?: Profile | undefined
  /** The search text of the new username and profile (`searchTextOf`). Without it the cron trigger makes it. */
  search?: string | undefined
  enabled?: boolean | undefined
  mustChangePassword?: boolean | undefined
  /** When the account is erased; null cancels the deletion. Unix seconds. */
  deletionAt?: number | null | undefined
  /** A PHC string. */
  passwordHash?: string | undefined
  /** The time of the breach check of the new password, in Unix seconds; null or absent without a check. */
  breachCheckedAt?: number | null | undefined
}

/** The conditions of an edit. */
export interface UserConditions {
  /** One of these versions; null for any. */
  versions: readonly number[] | null
  /** The pool that must keep an enabled user with the role `admin`; null for no such rule. */
  adminPool: string | null
  /** The password hash that the user must still have; absent for any. */
  passwordHash?: string
  /** The time of the last revocation of all tokens, as the caller has read it; absent for any. Unix seconds. */
  tokensValidFrom?: number
  /**
   * The use of a link. It runs first in the transaction. If it changes no row, the edit is refused. For a user of a further database,
   * `change` checks the link before the edit, and uses it after the edit.
   */
  once?: Spending
  /** Whether the deletion of the account must be due; absent for any user. */
  isDeletionDue?: boolean
  now: number
}

/** Users of one database to add. */
interface Insertion {
  users: readonly (UnstoredUser & { profile: Profile })[]
  before: D1PreparedStatement | null
  /** The token of the reserved usernames; null if they need none. */
  token: string | null
}

const SELECT = 'SELECT * FROM users WHERE id = ?'

/** Whether a row of `users` is an enabled admin. */
const isAdmin = (enabled: string, roles: string) =>
  `${enabled} = 1 AND EXISTS (SELECT 1 FROM json_each(${roles}) WHERE value = 'admin')`
const HAS_OTHER_ADMIN = `EXISTS (SELECT 1 FROM users AS other
  WHERE other.pool = ? AND other.id <> users.id AND ${isAdmin('other.enabled', 'other.roles')})`

/** Lists and changes users for operators, in D1. */
export class UserAdminStore {
  readonly #databases: UserDatabases
  readonly #names: NameReservationStore

  constructor(databases: UserDatabases) {
    this.#databases = databases
    this.#names = new NameReservationStore(databases)
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async find(id: string): Promise<UserRecord | null> {
    const row = await callStore('D1 users', () => this.#databases.of(id).prepare(SELECT).bind(id).first())
    return row === null ? null : decodeUserRecord(row)
  }

  /** Finds the existing users of these ids. @throws StorageUnavailable, CorruptRecord */
  async findMany(ids: readonly string[]): Promise<UserRecord[]> {
    const groups = this.#databases.group(ids, (id) => id)
    const reads = [...groups].map(async ([db, group]) => {
      const select = db
        .prepare('SELECT * FROM users WHERE id IN (SELECT value FROM json_each(?))')
        .bind(JSON.stringify(group))
      const { results } = await callStore('D1 users', () => select.all())
      return results.map(decodeUserRecord)
    })
    return (await Promise.all(reads)).flat()
  }

  /**
   * Adds users whose usernames are free, in one transaction with further statements. With users of several databases, each database
   * has its own transaction, and runs all further statements. A failure of one leaves the users of the others: a retry adds the rest.
   *
   * @param before A statement before them. If it changes no row, no user is added. Null without one.
   * @returns the ids of the added users. Without `before`, other users have the other usernames.
   * @throws StorageUnavailable, also if another request holds a username; ConstraintFailed if another user of the pool has a verified
   *   address
   */
  async add(
    users: readonly (UnstoredUser & { profile: Profile })[],
    alongside: D1PreparedStatement[],
    before: D1PreparedStatement | null = null,
  ): Promise<ReadonlySet<string>> {
    const reserved = await this.#names.reserve(users, users[0]?.createdAt ?? 0)
    if (reserved === null)
      return this.#insert(this.#databases.home, { users, before, token: null }, alongside)
    const groups = this.#databases.group(reserved.users, ({ id }) => id)
    const inserts = [...groups].map(([db, group]) =>
      this.#insert(db, { users: group, before, token: reserved.token }, alongside),
    )
    const done = await settleAll(inserts).finally(() => this.#names.release(reserved.token))
    const added = new Set(done.flatMap((ids) => [...ids]))
    // With the statement before, the reason can be that it changed no row.
    if (before === null) await this.#names.requireTaken(users.filter(({ id }) => !added.has(id)))
    return added
  }

  async #insert(
    db: D1Database,
    { users, before, token }: Insertion,
    alongside: D1PreparedStatement[],
  ): Promise<ReadonlySet<string>> {
    const insert = db
      .prepare(INSERT_USERS)
      .bind(JSON.stringify(users.map(toInsert)), before === null ? 0 : 1, token)
    const first = before === null ? [] : [before]
    const results = await callStore('D1 users', () => db.batch([...first, insert, ...alongside]))
    const inserted = results[first.length]
    return new Set(
      decodeRecord(z.array(z.object({ id: z.string() })), 'users', inserted?.results).map(({ id }) => id),
    )
  }

  /**
   * Changes a user if the conditions are true, in one transaction with further statements. These do nothing if `changes()` is 0.
   *
   * The link of a user of a further database is in the main database, so its use is a transaction of its own. It comes after the edit:
   * a failed edit leaves the link open. If only the use of the link fails, the outcome is `changed`, and the link stays open. So the
   * edit must be safe to repeat, or must end the link by itself or by another condition. A new password and a confirmed address do
   * the latter. An end of all sessions is safe to repeat.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async change(
    id: string,
    edit: UserEdit,
    conditions: UserConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<UserRecord>> {
    const { once, ...others } = conditions
    const isApart = once !== undefined && this.#databases.of(id) !== this.#databases.home
    const isRefused = isApart && (await isUsed(once))
    const user = edit.username === undefined ? null : await this.find(id)
    const renamed = user === null || edit.username === undefined ? null : { ...user, username: edit.username }
    const token = renamed === null ? null : await this.#names.reserveFor(renamed, conditions.now)
    const left = isApart ? others : conditions
    const update = isRefused ? null : this.#updateOf(id, edit, left, token)
    const changing = this.#run(id, update, left, alongside)
    const outcome = await (token === null ? changing : changing.finally(() => this.#names.release(token)))
    if (isApart && outcome.kind === 'changed') await use(once)
    return outcome
  }

  /** @param token The reservation of the new username; null without one. */
  #updateOf(
    id: string,
    edit: UserEdit,
    conditions: UserConditions,
    token: string | null,
  ): D1PreparedStatement {
    const changes = assignmentsOf(columnsOf(edit))
    const starts = tokenStartAssignmentsOf(edit)
    const guard = guardOf(edit, conditions)
    const isHeld = token === null ? 'TRUE' : isReserved('?', { pool: 'users.pool', username: '?' })
    return this.#databases
      .of(id)
      .prepare(
        `UPDATE users SET ${changes.sql} ${starts.sql} version = version + 1, updated_at = ?
         WHERE id = ? AND ${guard.sql} AND ${isHeld}`,
      )
      .bind(
        ...changes.values,
        ...starts.values,
        conditions.now,
        id,
        ...guard.values,
        ...(token === null ? [] : [edit.username, token]),
      )
  }

  /** Deletes a user under the same conditions as `change`. @throws StorageUnavailable, CorruptRecord */
  async remove(
    id: string,
    conditions: UserConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<UserRecord>> {
    const guard = guardOf({ enabled: false }, conditions)
    const remove = this.#databases
      .of(id)
      .prepare(`DELETE FROM users WHERE id = ? AND ${guard.sql}`)
      .bind(id, ...guard.values)
    return this.#run(id, remove, conditions, alongside)
  }

  /** @param edit The statement of the edit; null if it is refused. */
  async #run(
    id: string,
    edit: D1PreparedStatement | null,
    { versions, once }: UserConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<UserRecord>> {
    const before = once === undefined ? [] : [once.statement]
    const db = this.#databases.of(id)
    const select = db.prepare(SELECT).bind(id)
    const statements = edit === null ? [] : [...before, edit, ...alongside]
    const results = await callStore('D1 users', () => db.batch([...statements, select]))
    const row = results.at(-1)?.results[0]
    const isChanged = edit !== null && (results[before.length]?.meta.changes ?? 0) > 0
    return judgeEdit(row === undefined ? null : decodeUserRecord(row), { isChanged, versions })
  }
}

/** Whether a link was used. @throws StorageUnavailable */
async function isUsed({ used }: Spending): Promise<boolean> {
  return (await callStore('D1 one_time_values', () => used.first())) !== null
}

/** Uses a link after its edit. A failure is logged only, because the edit is stored. */
async function use({ statement }: Spending): Promise<void> {
  try {
    await callStore('D1 one_time_values', () => statement.run())
  } catch (error) {
    log('warn', 'link_not_used', { cause: describeError(error) })
  }
}

function columnsOf(edit: UserEdit) {
  return {
    username: edit.username,
    roles: edit.roles && JSON.stringify(edit.roles),
    profile: edit.profile && JSON.stringify(edit.profile),
    search: edit.username === undefined && edit.profile === undefined ? undefined : (edit.search ?? null),
    enabled: edit.enabled === undefined ? undefined : Number(edit.enabled),
    deletion_at: edit.deletionAt,
    must_change_password: edit.mustChangePassword === undefined ? undefined : Number(edit.mustChangePassword),
    ...passwordColumnsOf(edit),
  }
}

/** A new password resets the results of the checks of the old password. */
function passwordColumnsOf({ passwordHash, breachCheckedAt = null }: UserEdit) {
  if (passwordHash === undefined) return {}
  return {
    password_hash: passwordHash,
    hash_replaceable: 0,
    breach_checked_at: breachCheckedAt,
    password_breached: 0,
  }
}

/** The SQL statement checks the conditions. So if two admins demote each other at the same time, one admin remains. */
function guardOf({ enabled, roles, deletionAt = null }: UserEdit, conditions: UserConditions): SqlPart {
  const { versions, adminPool, passwordHash, tokensValidFrom, once, isDeletionDue = false, now } = conditions
  const losesRole = roles !== undefined && !roles.includes('admin')
  const endsAdmin = enabled === false || losesRole || deletionAt !== null
  const parts = [versionGuard(versions)]
  if (once !== undefined) parts.push({ sql: 'changes() > 0', values: [] })
  if (passwordHash !== undefined) parts.push({ sql: 'password_hash = ?', values: [passwordHash] })
  if (tokensValidFrom !== undefined) parts.push({ sql: 'tokens_valid_from = ?', values: [tokensValidFrom] })
  if (isDeletionDue) parts.push({ sql: 'deletion_at <= ?', values: [now] })
  if (adminPool !== null && endsAdmin) {
    const isOther = `NOT (pool = ? AND ${isAdmin('users.enabled', 'users.roles')})`
    parts.push({ sql: `(${isOther} OR ${HAS_OTHER_ADMIN})`, values: [adminPool, adminPool] })
  }
  return { sql: parts.map(({ sql }) => sql).join(' AND '), values: parts.flatMap(({ values }) => values) }
}
