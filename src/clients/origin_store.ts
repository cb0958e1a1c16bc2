import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { ExpiringCache } from '../lib/expiring_cache.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { callStore, READ_TIMEOUT_MS, respondWithin, StorageUnavailable } from '../lib/storage_error.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'

const COPY_KEY = 'origins'
const ISOLATE_TTL_SECONDS = 60

const originsSchema: z.ZodMiniType<string[]> = z.array(z.string())
const rowsSchema = z.array(z.object({ origin: z.string() }))

/**
 * The web origins of all enabled clients. A preflight request has no client id, so the server allows the origins of all clients.
 * All origins are in one list, so a request with an unknown origin needs no store call.
 */
export class OriginStore {
  readonly #db: D1Database
  readonly #copies: ReadCopyStore
  readonly #cache = new ExpiringCache<ReadonlySet<string>>(1)

  constructor(db: D1Database, copies: ReadCopyStore) {
    this.#db = db
    this.#copies = copies
  }

  /** If the stores do not respond in time, it returns the last known list. @throws StorageUnavailable, CorruptRecord */
  async findAll(context: RequestContext): Promise<ReadonlySet<string>> {
    const cached = this.#cache.get(COPY_KEY, context.now)
    if (cached) return cached
    const last = this.#cache.last(COPY_KEY)
    const reading = this.#read(context)
    if (last === null) return reading
    try {
      return await respondWithin(READ_TIMEOUT_MS, reading)
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error
      log('warn', 'origins_not_refreshed', { cause: describeError(error) })
      context.waitUntil(reading.catch(() => {}))
      return last
    }
  }

  async #read(context: RequestContext): Promise<ReadonlySet<string>> {
    const decode = (copy: unknown) => decodeRecord(originsSchema, COPY_KEY, copy)
    const readRecord = () => this.#readRecord()
    const origins = new Set(await this.#copies.readThrough({ key: COPY_KEY, decode, readRecord }, context))
    this.#cache.set(COPY_KEY, origins, context.now + ISOLATE_TTL_SECONDS)
    return origins
  }

  /** Writes the KV copy after a change. Other isolates have the change within a minute. @throws StorageUnavailable */
  async renewCopy(context: RequestContext): Promise<void> {
    this.#cache.delete(COPY_KEY)
    const origins = await this.#readRecord()
    await this.#copies.save(COPY_KEY, origins, context)
  }

  async #readRecord(): Promise<string[]> {
    const select = this.#db.prepare(
      'SELECT DISTINCT value AS origin FROM clients, json_each(clients.origins) WHERE clients.enabled = 1',
    )
    const { results } = await callStore('D1 clients', () => select.all())
    return decodeRecord(rowsSchema, COPY_KEY, results).map((row) => row.origin)
  }
}
