import { parseJsonColumn } from '../lib/decode.ts'
import { ExpiringCache } from '../lib/expiring_cache.ts'
import { describeError, log } from '../lib/log.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { answerWithin, PATIENCE_MS } from '../lib/storage_error.ts'

/** An answer is kept for so long after it was last confirmed. */
const KEEP_SECONDS = 86_400

/** One that stays the same is kept again after this long. */
const KEEP_AGAIN_SECONDS = 60

const NAMES = 8

/** What anyone may read, and by what to tell whether it has changed. */
interface PublicAnswer {
  etag: string
}

/**
 * The last public answers of a data centre, in its Cache API: what is left to an isolate that has nothing in memory while
 * neither D1 nor KV answers. Best effort: on workers.dev there is no such cache.
 */
export class LastAnswerStore {
  readonly #issuer: string
  /** The ETags of what this isolate has kept. */
  readonly #kept = new ExpiringCache<string>(NAMES)

  constructor(issuer: string) {
    this.#issuer = issuer
  }

  /** Keeps an answer that the stores have just confirmed, after it is sent. */
  keep(name: string, answer: PublicAnswer, context: RequestContext): void {
    if (this.#kept.get(name, context.now) === answer.etag) return
    this.#kept.set(name, answer.etag, context.now + KEEP_AGAIN_SECONDS)
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': `max-age=${KEEP_SECONDS}` }
    const response = new Response(JSON.stringify(answer), { headers })
    runLater(context, `keep the last ${name}`, () =>
      caches.default.put(addressOfLast(name, this.#issuer), response),
    )
  }

  /** The last answer of that name, to be decoded; null where there is none. @throws CorruptRecord */
  async find(name: string): Promise<unknown> {
    const text = await this.#read(name)
    return text === null ? null : parseJsonColumn(`last answer ${name}`, text)
  }

  async #read(name: string): Promise<string | null> {
    try {
      return await answerWithin(PATIENCE_MS, this.#match(name))
    } catch (error) {
      log('warn', 'cache_unavailable', { name, cause: describeError(error) })
      return null
    }
  }

  async #match(name: string): Promise<string | null> {
    const response = await caches.default.match(addressOfLast(name, this.#issuer))
    return response === undefined ? null : response.text()
  }
}

/** Nobody asks this address: it is a name in the cache, below the issuer so that no other service has the same. */
export function addressOfLast(name: string, issuer: string): string {
  return `${issuer}/.last-answers/${name}`
}
