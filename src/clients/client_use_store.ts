import { ExpiringCache } from '../lib/expiring_cache.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { ProvenClient } from './authenticate_client.ts'

/** The precision of `last_used_at`: an isolate writes it at most once in this time. */
const PRECISION_SECONDS = 3600
const ISOLATE_ENTRIES = 1000

/** Writes the last use of clients and secrets to D1, after the response. */
export class ClientUseStore {
  readonly #db: D1Database
  readonly #noted = new ExpiringCache<true>(ISOLATE_ENTRIES)

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Records that a client has authenticated. An isolate writes it once per PRECISION_SECONDS. */
  note({ client: { id }, proof }: ProvenClient, context: RequestContext): void {
    const secretHash = proof.method === 'client_secret' ? proof.secretHash : null
    const key = secretHash ?? id
    if (this.#noted.get(key, context.now)) return
    this.#noted.set(key, true, context.now + PRECISION_SECONDS)
    runLater(context, `write the last use of ${id}`, () => this.#write(id, secretHash, context.now))
  }

  /** Skips rows that another isolate updated within PRECISION_SECONDS. */
  async #write(id: string, secretHash: string | null, now: number): Promise<void> {
    const isOld = '(last_used_at IS NULL OR last_used_at <= ?)'
    const limit = now - PRECISION_SECONDS
    await callStore('D1 clients', () =>
      this.#db.batch([
        this.#db
          .prepare(`UPDATE clients SET last_used_at = ? WHERE client_id = ? AND ${isOld}`)
          .bind(now, id, limit),
        this.#db
          .prepare(`UPDATE client_secrets SET last_used_at = ? WHERE secret_hash = ? AND ${isOld}`)
          .bind(now, secretHash, limit),
      ]),
    )
  }
}
