import * as z from 'zod/mini'
import { parseJsonColumn } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { callStore, READ_TIMEOUT_MS, respondWithin, StorageUnavailable } from '../lib/storage_error.ts'
import type { CopyMac } from './copy_mac.ts'

/** A copy older than this is used only while D1 cannot be read. */
const FRESH_SECONDS = 3600

/** A copy older than this is never used. It limits how long an attacker with write access to KV can use an old value. */
export const OLDEST_COPY_SECONDS = 7 * 86_400

/** The KV metadata of a copy: when it was read from D1, and its MAC. */
const metadataSchema = z.object({ savedAt: z.int(), mac: z.string() })

interface Copy<T> {
  value: T
  /** Unix seconds. */
  savedAt: number
}

/** A record that is read through a copy. */
export interface CopiedRecord<T> {
  key: string
  /** @throws CorruptRecord */
  decode(copy: unknown): T
  /** Whether a copy lacks a change that this isolate knows of. Such a copy is not used, even while D1 is away. */
  isOutdated?(copy: T): boolean
  /** Null if the record does not exist. KV then has no copy. */
  readRecord(): Promise<T | null>
}

/**
 * KV holds read copies of records in D1. A copy may be a minute behind, since KV is eventually consistent. While KV is
 * away, and where a value is not authentic, there is no copy and D1 is read.
 */
export class ReadCopyStore {
  readonly #kv: KVNamespace
  readonly #mac: CopyMac

  constructor(kv: KVNamespace, mac: CopyMac) {
    this.#kv = kv
    this.#mac = mac
  }

  /**
   * Returns the copy. Without a copy, or with an old one, it reads the record and writes a new copy after the response. A
   * caller that has an old copy waits for the record for READ_TIMEOUT_MS at most.
   *
   * @throws CorruptRecord where the copy does not decode: it is written anew, so the next request finds a good one
   * @throws StorageUnavailable where there is no copy and the record cannot be read
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
      runLater(context, `mend the KV copy ${record.key}`, async () =>
        this.write(record.key, await record.readRecord(), context),
      )
      throw error
    }
  }

  /** The authentic copy as parsed JSON, to be decoded; null if KV has none or is unavailable. @throws CorruptRecord */
  async find(key: string): Promise<unknown> {
    return (await this.#find(key))?.value ?? null
  }

  /** Writes the copy again, after the response is sent. */
  repair(key: string, value: unknown, context: RequestContext): void {
    runLater(context, `repair the KV copy ${key}`, () => this.save(key, value, context))
  }

  /** @throws StorageUnavailable */
  async save(key: string, value: unknown, { now: savedAt }: RequestContext): Promise<void> {
    const text = JSON.stringify(value)
    const mac = await this.#mac.sign({ name: macName(key), savedAt, text })
    await callStore('KV', () => this.#kv.put(key, text, { metadata: { savedAt, mac } }))
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

  /** Null while KV is away. */
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
