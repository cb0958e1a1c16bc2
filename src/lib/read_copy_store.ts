import * as z from 'zod/mini'
import { parseJsonColumn } from './decode.ts'
import { describeError, log } from './log.ts'
import { type RequestContext, runLater } from './request_context.ts'
import { CorruptRecord } from './storage_error.ts'

/**
 * A copy older than this is written anew from the record when it is next read. So a copy that missed a change, by two
 * writers that crossed, is wrong for an hour and no longer; and while D1 is away, any copy goes on serving.
 */
const RENEW_AFTER_SECONDS = 3600

/** When a copy was written, beside it in KV. */
const metadataSchema = z.object({ savedAt: z.int() })

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

  /** The copy near the caller; else the record, whose copy is then written after the answer. @throws CorruptRecord */
  async readThrough<T>(record: CopiedRecord<T>, context: RequestContext): Promise<T | null> {
    const { key, decode, readRecord } = record
    const copy = await this.#find(key)
    if (copy === null) {
      const value = await readRecord()
      if (value !== null) this.repair(key, value, context)
      return value
    }
    if (copy.savedAt <= context.now - RENEW_AFTER_SECONDS) {
      runLater(context, `renew the KV copy ${key}`, () => this.#renew(record, context))
    }
    return decode(copy.value)
  }

  /** The copy as parsed JSON, to be decoded; null where there is none or KV is away. @throws CorruptRecord */
  async find(key: string): Promise<unknown> {
    return (await this.#find(key))?.value ?? null
  }

  /** Writes the copy again, after the answer is sent. */
  repair(key: string, value: unknown, context: RequestContext): void {
    runLater(context, `repair the KV copy ${key}`, () => this.save(key, value, context))
  }

  save(key: string, value: unknown, { now }: RequestContext): Promise<void> {
    return this.#kv.put(key, JSON.stringify(value), { metadata: { savedAt: now } })
  }

  async #renew<T>({ key, readRecord }: CopiedRecord<T>, context: RequestContext): Promise<void> {
    const value = await readRecord()
    if (value === null) await this.#kv.delete(key)
    else await this.save(key, value, context)
  }

  async #find(key: string): Promise<{ value: unknown; savedAt: number } | null> {
    try {
      const { value, metadata } = await this.#kv.getWithMetadata(key)
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
