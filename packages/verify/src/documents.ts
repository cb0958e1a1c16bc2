import { type Fetch, fetchDocument, readText } from './fetch_document.ts'
import { isWithin } from './is_within.ts'

/** What is needed of the Cache API: `caches.default` of Workers has it. */
export interface DocumentCache {
  match(key: string): Promise<Response | undefined>
  put(key: string, document: Response): Promise<void>
}

/** What a JSON document of the issuer says, and when the issuer said so, in Unix seconds. */
export interface IssuerDocument<T> {
  content: T
  fetchedAt: number
}

/** Takes out of a document what is needed. It throws where it is none of that kind, and such a one is never kept. */
export type Decode<T> = (document: unknown) => T | Promise<T>

/** All in seconds. */
export interface DocumentTimes {
  /** Documents younger than this are used as they are. */
  freshSeconds: number
  /** How long documents are used while the issuer cannot be reached. */
  staleSeconds: number
}

const FETCHED_AT = 'Fetched-At'

/** The metadata and the keys of an issuer take a few kilobytes. */
const MAX_BYTES = 1024 * 1024

/** The issuer's documents. Where there is a cache, a new isolate finds there what its neighbours fetched. */
export class Documents {
  readonly #fetch: Fetch
  readonly #cache: DocumentCache | null
  readonly #times: DocumentTimes

  constructor(fetch: Fetch, cache: DocumentCache | null, times: DocumentTimes) {
    this.#fetch = fetch
    this.#cache = cache
    this.#times = times
  }

  /** From the cache while it is fresh, else from the issuer; from the cache again while that cannot be reached. */
  async read<T>(url: string, now: number, decode: Decode<T>): Promise<IssuerDocument<T>> {
    const { freshSeconds, staleSeconds } = this.#times
    const cached = await this.#find(url, decode)
    if (cached && isWithin(freshSeconds, cached.fetchedAt, now)) return cached
    return this.fetch(url, now, decode).catch((error: unknown) => {
      if (cached && now - cached.fetchedAt < staleSeconds) return cached
      throw error
    })
  }

  /** From the issuer alone. */
  async fetch<T>(url: string, now: number, decode: Decode<T>): Promise<IssuerDocument<T>> {
    const response = await fetchDocument(this.#fetch, url)
    const document: unknown = JSON.parse(await readText(response, { maxBytes: MAX_BYTES, name: url }))
    const content = await decode(document)
    await this.#save(url, { content: document, fetchedAt: now })
    return { content, fetchedAt: now }
  }

  async #find<T>(url: string, decode: Decode<T>): Promise<IssuerDocument<T> | null> {
    try {
      const response = await this.#cache?.match(cacheKey(url))
      const fetchedAt = Number(response?.headers.get(FETCHED_AT))
      return response && fetchedAt ? { content: await decode(await response.json()), fetchedAt } : null
    } catch {
      // A cache that fails, or has half a document, costs a fetch and nothing else.
      return null
    }
  }

  async #save(url: string, { content, fetchedAt }: IssuerDocument<unknown>): Promise<void> {
    const headers = {
      'Cache-Control': `max-age=${this.#times.staleSeconds}`,
      [FETCHED_AT]: String(fetchedAt),
    }
    await this.#cache?.put(cacheKey(url), Response.json(content, { headers })).catch(() => {})
  }
}

/** The cache of the data centre this runs in; null on every runtime but Workers. */
export function findLocalCache(): DocumentCache | null {
  const { caches } = globalThis as { caches?: { default?: DocumentCache } }
  return caches?.default ?? null
}

/** Not the document's own address: on the issuer's zone that would be what its callers get. */
function cacheKey(url: string): string {
  return `${url}?kept-by=sallyport-verify`
}
