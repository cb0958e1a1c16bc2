import { parseJsonColumn } from '../lib/decode.ts'
import { ExpiringCache } from '../lib/expiring_cache.ts'
import { describeError, log } from '../lib/log.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { READ_TIMEOUT_MS, respondWithin } from '../lib/storage_error.ts'
import type { CopyMac } from './copy_mac.ts'

/** The cache keeps a response for this time after the stores last confirmed it. */
const KEEP_SECONDS = 86_400

/** An isolate writes an unchanged response to the cache again after this time. */
const KEEP_AGAIN_SECONDS = 60

const NAMES = 8

const SAVED_AT_HEADER = 'X-Saved-At'
const MAC_HEADER = 'X-Mac'

/** A response that any caller may read. Its ETag shows whether it has changed. */
interface PublicResponse {
  etag: string
}

/**
 * The last public responses of a data centre, in its Cache API. A cold isolate uses them if D1 and KV do not respond. There is
 * no guarantee: workers.dev has no such cache.
 */
export class LastResponseStore {
  readonly #issuer: string
  readonly #mac: CopyMac
  /** The ETags of the responses that this isolate has written. */
  readonly #kept = new ExpiringCache<string>(NAMES)

  constructor(issuer: string, mac: CopyMac) {
    this.#issuer = issuer
    this.#mac = mac
  }

  /** Writes a response that the stores have just confirmed to the cache, after the response is sent. */
  keep(name: string, content: PublicResponse, context: RequestContext): void {
    if (this.#kept.get(name, context.now) === content.etag) return
    this.#kept.set(name, content.etag, context.now + KEEP_AGAIN_SECONDS)
    runLater(context, `keep the last ${name}`, async () => {
      const response = await this.#toResponse(name, JSON.stringify(content), context.now)
      await caches.default.put(addressOfLast(name, this.#issuer), response)
    })
  }

  /** The last authentic response of a name, as parsed JSON; null if the cache has none. @throws CorruptRecord */
  async find(name: string, { now }: Pick<RequestContext, 'now'>): Promise<unknown> {
    const text = await this.#read(name, now)
    return text === null ? null : parseJsonColumn(`last response ${name}`, text)
  }

  async #toResponse(name: string, text: string, savedAt: number): Promise<Response> {
    const mac = await this.#mac.sign({ name: macName(name), savedAt, text })
    const headers = { [SAVED_AT_HEADER]: String(savedAt), [MAC_HEADER]: mac }
    return new Response(text, { headers: { ...headers, 'Cache-Control': `max-age=${KEEP_SECONDS}` } })
  }

  async #read(name: string, now: number): Promise<string | null> {
    try {
      return await respondWithin(READ_TIMEOUT_MS, this.#match(name, now))
    } catch (error) {
      log('warn', 'cache_unavailable', { name, cause: describeError(error) })
      return null
    }
  }

  async #match(name: string, now: number): Promise<string | null> {
    const response = await caches.default.match(addressOfLast(name, this.#issuer))
    if (response === undefined) return null
    const text = await response.text()
    const savedAt = Number(response.headers.get(SAVED_AT_HEADER) ?? Number.NaN)
    const copy = { name: macName(name), savedAt, text }
    if (!(await this.#mac.verifies(copy, response.headers.get(MAC_HEADER) ?? ''))) {
      log('warn', 'last_response_not_authentic', { name })
      return null
    }
    return savedAt > now - KEEP_SECONDS ? text : null
  }
}

/** The cache key of a response. It is a URL below the issuer, so no other service uses it. The server has no such path. */
export function addressOfLast(name: string, issuer: string): string {
  return `${issuer}/.last-responses/${name}`
}

function macName(name: string): string {
  return `cache ${name}`
}
