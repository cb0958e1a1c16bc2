import { parseJsonColumn } from './decode.ts'
import { describeError, log } from './log.ts'
import { type RequestContext, runLater } from './request_context.ts'

/**
 * KV as the read copy of what D1 has of record. It may be a minute old (KV is eventually consistent), and it may
 * be away: then there is no copy, and D1 is asked.
 */
export class ReadCopyStore {
  readonly #kv: KVNamespace

  constructor(kv: KVNamespace) {
    this.#kv = kv
  }

  /** The copy as parsed JSON, to be decoded; null where there is none or KV is away. @throws CorruptRecord */
  async find(key: string): Promise<unknown> {
    let text: string | null
    try {
      text = await this.#kv.get(key)
    } catch (error) {
      log('warn', 'kv_unavailable', { key, cause: describeError(error) })
      return null
    }
    return text === null ? null : parseJsonColumn(`KV copy ${key}`, text)
  }

  /** Writes the copy again, after the answer is sent. */
  repair(key: string, value: unknown, context: RequestContext): void {
    runLater(context, `repair the KV copy ${key}`, () => this.save(key, value))
  }

  save(key: string, value: unknown): Promise<void> {
    return this.#kv.put(key, JSON.stringify(value))
  }
}
