import { callStore } from '../lib/storage_error.ts'
import { decodeUserRow, type User } from './user.ts'

/** Where a read goes: to a replica near the caller, which may be behind, or to the primary. */
export type ReadFrom = 'replica' | 'primary'

const SELECT_USER = `
  SELECT id, pool, username, password_hash, enabled, roles, must_change_password, created_at, tokens_valid_from,
    kept_sid, kept_from FROM users`

/** Users, of record in D1. */
export class UserStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** @param username Normalised. @throws StorageUnavailable, CorruptRecord */
  findByUsername(pool: string, username: string, from: ReadFrom): Promise<User | null> {
    return this.#find(from, `${SELECT_USER} WHERE pool = ? AND username = ?`, pool, username)
  }

  /** Reads the primary: a refresh must see at once that its user was disabled. @throws StorageUnavailable, CorruptRecord */
  findById(id: string): Promise<User | null> {
    return this.#find('primary', `${SELECT_USER} WHERE id = ?`, id)
  }

  async #find(from: ReadFrom, sql: string, ...parameters: string[]): Promise<User | null> {
    const row = await callStore('D1 users', () => {
      const session = this.#db.withSession(from === 'replica' ? 'first-unconstrained' : 'first-primary')
      return session
        .prepare(sql)
        .bind(...parameters)
        .first()
    })
    return row === null ? null : decodeUserRow(row)
  }

  /**
   * Puts another hash of the same password in place of one, if that is still the hash of that person: a password that
   * was changed meanwhile stays. No token ends by it.
   *
   * @returns whether it was
   * @throws StorageUnavailable
   */
  async replaceHash(id: string, { from, to }: { from: string; to: string }): Promise<boolean> {
    const replace = this.#db
      .prepare('UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?')
      .bind(to, id, from)
    const { meta } = await callStore('D1 users', () => replace.run())
    return meta.changes === 1
  }

  /** Adds a user. A name that is taken in the pool is refused. @throws StorageUnavailable */
  async add(user: User): Promise<void> {
    const insert = this.#db
      .prepare(
        `INSERT INTO users (id, pool, username, password_hash, enabled, roles, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .bind(
        user.id,
        user.pool,
        user.username,
        user.passwordHash,
        Number(user.enabled),
        JSON.stringify(user.roles),
        user.createdAt,
      )
    await callStore('D1 users', () => insert.run())
  }
}
