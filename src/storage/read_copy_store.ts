import * as z from 'zod/mini'
import { parseJsonColumn } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import {
  answerWithin,
  CorruptRecord,
  callStore,
  PATIENCE_MS,
  StorageUnavailable,
} from '../lib/storage_error.ts'

/**
 * A copy older than this is used only while the record cannot be read. So one that missed a change, by two writers that
 * crossed, is wrong for an hour and no longer; and while D1 is away, any copy goes on serving.
 */
const FRESH_SECONDS = 3600

/** When a copy was written, beside it in KV. */
const metadataSchema = z.object({ savedAt: z.int() })

interface Copy<T> {
  value: T
  /** Unix seconds. */
  savedAt: number
}

/** What is read through a copy. */
export interface CopiedRecord<T> {
  key: string
  /** @throws CorruptRecord */
  decode(copy: unknown): T
  /** Null where there is no such record: then there is no copy either. */
  readRecord(): Promise<T | null>
}

/**
 * KV as the read copy of what D1 has of record. It may be a minute behind (KV is eventually consistent), and it may be
 * away: then there is no copy, and D1 is asked.
 */
export class ReadCopyStore {
  readonly #kv: KVNamespace

  constructor(kv: KVNamespace) {
    this.#kv = kv
  }

  /**
   * The copy near the caller; where there is none, or an old one, the record, whose copy is then written after the answer.
   * Whoever has an old copy waits for the record only so long.
   *
   * @throws CorruptRecord where the copy does not decode: it is written anew, so the next request finds a good one
   * @throws StorageUnavailable where there is no copy and the record cannot be read
   */
  async readThrough<T>(record: CopiedRecord<T>, context: RequestContext): Promise<T | null> {
    const copy = await this.#findDecoded(record, context)
    if (copy && copy.savedAt > context.now - FRESH_SECONDS) return copy.value
    const reading = this.#readRecord(record, context)
    if (!copy) return reading
    try {
      return await answerWithin(PATIENCE_MS, reading)
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
      runLater(context, `mend the KV copy ${record.key}`, async () =>
        this.write(record.key, await record.readRecord(), context),
      )
      throw error
    }
  }

  /** The copy as parsed JSON, to be decoded; null where there is none or KV is away. @throws CorruptRecord */
  async find(key: string): Promise<unknown> {
    return (await this.#find(key))?.value ?? null
  }

  /** Writes the copy again, after the answer is sent. */
  repair(key: string, value: unknown, context: RequestContext): void {
    runLater(context, `repair the KV copy ${key}`, () => this.save(key, value, context))
  }

  /** @throws StorageUnavailable */
  save(key: string, value: unknown, { now }: RequestContext): Promise<void> {
    const text = JSON.stringify(value)
    return callStore('KV', () => this.#kv.put(key, text, { metadata: { savedAt: now } }))
  }

  /** Writes the copy of a record; one that is gone, null, has none. @throws StorageUnavailable */
  async write(key: string, value: unknown, context: RequestContext): Promise<void> {
    if (value === null) await callStore('KV', () => this.#kv.delete(key))
    else await this.save(key, value, context)
  }

  async #find(key: string): Promise<Copy<unknown> | null> {
    try {
      const { value, metadata } = await callStore('KV', () => this.#kv.getWithMetadata(key), PATIENCE_MS)
      if (value === null) return null
      const { data } = metadataSchema.safeParse(metadata)
      return { value: parseJsonColumn(`KV copy ${key}`, value), savedAt: data?.savedAt ?? 0 }
    } catch (error) {
      if (error instanceof CorruptRecord) throw error
      log('warn', 'kv_unavailable', { key, cause: describeError(error) })
      return null
    }
  }
}
