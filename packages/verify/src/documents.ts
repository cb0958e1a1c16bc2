import { type Fetch, fetchDocument, readText } from './fetch_document.ts'
import { isWithin } from './is_within.ts'

/** The part of the Cache API that the verifier uses. `caches.default` of Workers has it. */
export interface DocumentCache {
  match(key: string): Promise<Response | undefined>
  put(key: string, document: Response): Promise<void>
}

/** A decoded JSON document of the issuer, and the time of its fetch in Unix seconds. */
export interface IssuerDocument<T> {
  content: T
  fetchedAt: number
}

/** Decodes a document. It throws for an invalid document, which is then not cached. */
export type Decode<T> = (document: unknown) => T | Promise<T>

/** The use of documents by age, in seconds. */
export interface DocumentTimes {
  /** A younger document is used without a fetch. */
  freshSeconds: number
  /** An older document is not used, also while the issuer is unreachable. */
  staleSeconds: number
}

const FETCHED_AT = 'Fetched-At'

/** The limit for a response. Metadata and keys need a few kilobytes. */
const MAX_BYTES = 1024 * 1024

/** The documents of the issuer. Isolates of one data centre share them in the cache, if there is one. */
export class Documents {
  readonly #fetch: Fetch
  readonly #cache: DocumentCache | null
  readonly #times: DocumentTimes

  constructor(fetch: Fetch, cache: DocumentCache | null, times: DocumentTimes) {
    this.#fetch = fetch
    this.#cache = cache
    this.#times = times
  }

  /** Reads a fresh document from the cache, or fetches it. If the fetch fails, it uses a stale document of the cache. */
  async read<T>(url: string, now: number, decode: Decode<T>): Promise<IssuerDocument<T>> {
    const { freshSeconds, staleSeconds } = this.#times
    const cached = await this.#find(url, decode)
    if (cached && isWithin(freshSeconds, cached.fetchedAt, now)) return cached
    return this.fetch(url, now, decode).catch((error: unknown) => {
      if (cached && now - cached.fetchedAt < staleSeconds) return cached
      throw error
    })
  }

  /** Fetches a document from the issuer and caches it. */
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
      // A failed cache or an invalid cached document only causes a fetch.
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

/** The cache of this data centre; null on runtimes other than Workers. */
export function findLocalCache(): DocumentCache | null {
  const { caches } = globalThis as { caches?: { default?: DocumentCache } }
  return caches?.default ?? null
}

/** Differs from the URL of the document. In the zone of the issuer, that URL is the cache entry for its own clients. */
function cacheKey(url: string): string {
  return `${url}?kept-by=sallyport-verify`
}
