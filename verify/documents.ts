import { elapsedSeconds } from './elapsed.ts'
import { type Fetch, fetchDocument } from './fetch_document.ts'

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

/** Makes of a document what it says. @throws Error where it is not what it should be */
export type Decode<T> = (content: unknown) => T | Promise<T>

/** All in seconds. */
export interface DocumentTimes {
  /** Documents younger than this are used as they are. */
  freshSeconds: number
  /** How long documents are used while the issuer cannot be reached. */
  staleSeconds: number
}

const FETCHED_AT = 'Fetched-At'

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

  /**
   * From the cache while it is fresh, else from the issuer; from the cache again while that cannot be reached. What does
   * not decode is no document, wherever it is from.
   */
  async read<T>(url: string, now: number, decode: Decode<T>): Promise<IssuerDocument<T>> {
    const { freshSeconds, staleSeconds } = this.#times
    const cached = await this.#find(url, decode).catch(() => null)
    const ageSeconds = cached ? elapsedSeconds(now, cached.fetchedAt) : Number.POSITIVE_INFINITY
    if (cached && ageSeconds < freshSeconds) return cached
    return this.fetch(url, now, decode).catch((error: unknown) => {
      if (cached && ageSeconds < staleSeconds) return cached
      throw error
    })
  }

  /** From the issuer alone. */
  async fetch<T>(url: string, now: number, decode: Decode<T>): Promise<IssuerDocument<T>> {
    const content: unknown = await (await fetchDocument(this.#fetch, url)).json()
    const decoded = await decode(content)
    await this.#save(url, { content, fetchedAt: now })
    return { content: decoded, fetchedAt: now }
  }

  async #find<T>(url: string, decode: Decode<T>): Promise<IssuerDocument<T> | null> {
    const response = await this.#cache?.match(cacheKey(url))
    const fetchedAt = Number(response?.headers.get(FETCHED_AT))
    return response && fetchedAt ? { content: await decode(await response.json()), fetchedAt } : null
  }

  async #save(url: string, { content, fetchedAt }: IssuerDocument<unknown>): Promise<void> {
    const headers = {
      'Cache-Control': `max-age=${this.#times.staleSeconds}`,
      [FETCHED_AT]: String(fetchedAt),
    }
    // A cache that fails costs the next isolate a fetch, and nothing else.
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
