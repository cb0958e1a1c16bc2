import { callStore } from '../lib/storage_error.ts'

/** One use of a refresh token. Times are Unix seconds. */
export interface Rotation {
  sid: string
  /** The number of the token that is used. */
  seq: number
  subject: string
  clientId: string
  api: string
  now: number
  /** When the session ends, unless it is refreshed again. */
  expiresAt: number
  /** When the session began: the issue time of its first token, known where `seq` is 0. */
  startedAt: number
}

/**
 * Sessions, of record in D1. A session has no row until it is first refreshed, and then one whose `seq` is that of
 * the one refresh token that is still good.
 */
export class SessionStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Uses up the refresh token `seq` of a session, in one atomic statement: of all who present the same token,
   * wherever they are, one wins.
   *
   * @returns The number of the successor, or null where the token is not the session's current one
   * @throws StorageUnavailable
   */
  async rotate(rotation: Rotation): Promise<number | null> {
    const statement = rotation.seq === 0 ? this.#insertFirst(rotation) : this.#advance(rotation)
    return callStore('D1 sessions', () => statement.first<number>('seq'))
  }

  #insertFirst({ sid, subject, clientId, api, startedAt, now, expiresAt }: Rotation): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at)
         VALUES (?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING seq`,
      )
      .bind(sid, subject, clientId, api, startedAt, now, expiresAt)
  }

  #advance({ sid, seq, now, expiresAt }: Rotation): D1PreparedStatement {
    return this.#db
      .prepare(
        'UPDATE sessions SET seq = seq + 1, rotated_at = ?, expires_at = ? WHERE sid = ? AND seq = ? RETURNING seq',
      )
      .bind(now, expiresAt, sid, seq)
  }
}
