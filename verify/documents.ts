import { type Fetch, fetchDocument } from './fetch_document.ts'
import { isWithin } from './is_within.ts'

/** What is needed of the Cache API: `caches.default` of Workers has it. */
export interface DocumentCache {
  match(key: string): Promise<Response | undefined>
  put(key: string, document: Response): Promise<void>
}

/** A JSON document of the issuer, and when the issuer said so, in Unix seconds. */
export interface IssuerDocument {
  content: unknown
  fetchedAt: number
}

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

  /** From the cache while it is fresh, else from the issuer; from the cache again while that cannot be reached. */
  async read(url: string, now: number): Promise<IssuerDocument> {
    const { freshSeconds, staleSeconds } = this.#times
    const cached = await this.#find(url)
    if (cached && isWithin(freshSeconds, cached.fetchedAt, now)) return cached
    return this.fetch(url, now).catch((error: unknown) => {
      if (cached && now - cached.fetchedAt < staleSeconds) return cached
      throw error
    })
  }

  /** From the issuer alone. */
  async fetch(url: string, now: number): Promise<IssuerDocument> {
    const content: unknown = await (await fetchDocument(this.#fetch, url)).json()
    await this.#save(url, { content, fetchedAt: now })
    return { content, fetchedAt: now }
  }

  async #find(url: string): Promise<IssuerDocument | null> {
    const response = await this.#cache?.match(cacheKey(url)).catch(() => undefined)
    const fetchedAt = Number(response?.headers.get(FETCHED_AT))
    return response && fetchedAt ? { content: await response.json(), fetchedAt } : null
  }

  async #save(url: string, { content, fetchedAt }: IssuerDocument): Promise<void> {
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
