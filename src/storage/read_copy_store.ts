import * as z from 'zod/mini'
import { compact } from '../lib/compact.ts'
import { parseJsonColumn } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore, READ_TIMEOUT_MS, respondWithin, StorageUnavailable } from '../lib/storage_error.ts'
import type { CopyMac } from './copy_mac.ts'

/** The server uses a copy older than this only while D1 is unavailable. */
const FRESH_SECONDS = 3600

/** The server never uses a copy older than this. So an attacker with write access to KV cannot restore an older value. */
export const OLDEST_COPY_SECONDS = 7 * 86_400

/** The KV metadata of a copy: the time of its read from D1, and its MAC. */
const metadataSchema = z.object({ savedAt: z.int(), mac: z.string() })

interface Copy<T> {
  value: T
  /** Unix seconds. */
  savedAt: number
}

/** A record in D1 that has a copy in KV. */
export interface CopiedRecord<T> {
  key: string
  /** @throws CorruptRecord */
  decode(copy: unknown): T
  /** Whether a copy lacks a change that this isolate knows. The store never uses it, not even while D1 is unavailable. */
  isOutdated?(copy: T): boolean
  /** Null if the record does not exist; then KV has no copy either. */
  readRecord(): Promise<T | null>
}

/**
 * Read copies in KV of records in D1. A copy can be a minute behind, because KV is eventually consistent. The store reads D1 if KV
 * is unavailable or the copy is not authentic.
 */
export class ReadCopyStore {
  readonly #kv: KVNamespace
  readonly #mac: CopyMac

  constructor(kv: KVNamespace, mac: CopyMac) {
    this.#kv = kv
    this.#mac = mac
  }

  /**
   * Returns the copy. If the copy is missing or old, the store reads the record and writes a new copy after the response. With an
   * old copy, the request waits for the record for READ_TIMEOUT_MS at most.
   *
   * @throws CorruptRecord if the copy does not decode. The store writes a new copy for the next request.
   * @throws StorageUnavailable if there is no copy and D1 is unavailable
   */
  async readThrough<T>(record: CopiedRecord<T>, context: RequestContext): Promise<T | null> {
    const found = await this.#findDecoded(record, context)
    const copy = found && record.isOutdated?.(found.value) ? null : found
    if (copy && copy.savedAt > context.now - FRESH_SECONDS) return copy.value
    const reading = this.#readRecord(record, context)
    if (!copy || copy.savedAt <= context.now - OLDEST_COPY_SECONDS) return reading
    try {
      return await respondWithin(READ_TIMEOUT_MS, reading)
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error
      log('warn', 'old_copy_used', { key: record.key, cause: describeError(error) })
      context.waitUntil(reading.catch(() => {}))
      return copy.value
    }
  }

  async #readRecord<T>(record: CopiedRecord<T>, context: RequestContext): Promise<T | null> {
    const value = await record.readRecord()
    runLater(context, `renew the KV copy ${record.key}`, () => this.write(record.key, value, context))
    return value
  }

  async #findDecoded<T>(record: CopiedRecord<T>, context: RequestContext): Promise<Copy<T> | null> {
    try {
      const copy = await this.#find(record.key)
      return copy && { value: record.decode(copy.value), savedAt: copy.savedAt }
    } catch (error) {
      runLater(context, `repair the KV copy ${record.key}`, async () =>
        this.write(record.key, await record.readRecord(), context),
      )
      throw error
    }
  }

  /** The authentic copy as parsed JSON; null if KV has no copy or is unavailable. @throws CorruptRecord */
  async find(key: string): Promise<unknown> {
    return (await this.#find(key))?.value ?? null
  }

  /** Writes the copy again, after the response is sent. */
  repair(key: string, value: unknown, context: RequestContext): void {
    runLater(context, `repair the KV copy ${key}`, () => this.save(key, value, context))
  }

  /**
   * Writes a copy.
   *
   * @param settings.ttlSeconds KV removes the copy after this time; absent for a copy that stays.
   * @throws StorageUnavailable
   */
  async save(
    key: string,
    value: unknown,
    { now: savedAt, ttlSeconds }: { now: number; ttlSeconds?: number },
  ): Promise<void> {
    const text = JSON.stringify(value)
    const mac = await this.#mac.sign({ name: macName(key), savedAt, text })
    const options = compact({ metadata: { savedAt, mac }, expirationTtl: ttlSeconds })
    await callStore('KV', () => this.#kv.put(key, text, options))
  }

  /** Writes the copy of a record; null deletes the copy. @throws StorageUnavailable */
  async write(key: string, value: unknown, context: RequestContext): Promise<void> {
    if (value === null) await callStore('KV', () => this.#kv.delete(key))
    else await this.save(key, value, context)
  }

  async #find(key: string): Promise<Copy<unknown> | null> {
    const stored = await this.#get(key)
    if (stored === null || stored.value === null) return null
    const { data } = metadataSchema.safeParse(stored.metadata)
    const copy = data && { name: macName(key), savedAt: data.savedAt, text: stored.value }
    if (!copy || !(await this.#mac.verifies(copy, data.mac))) {
      log('warn', 'copy_not_authentic', { key })
      return null
    }
    return { value: parseJsonColumn(`KV copy ${key}`, copy.text), savedAt: copy.savedAt }
  }

  /** Null if KV is unavailable. */
  async #get(key: string): Promise<{ value: string | null; metadata: unknown } | null> {
    try {
      return await callStore('KV', () => this.#kv.getWithMetadata(key), READ_TIMEOUT_MS)
    } catch (error) {
      log('warn', 'kv_unavailable', { key, cause: describeError(error) })
      return null
    }
  }
}

function macName(key: string): string {
  return `KV ${key}`
}
