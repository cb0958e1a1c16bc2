import { base64url } from 'jose'
import * as z from 'zod/mini'
import { sha256 } from '../lib/bytes.ts'
import { ExpiringCache } from '../lib/expiring_cache.ts'
import { freshSecondsOf } from '../lib/freshness.ts'
import { type FetchedObject, FetchFailed, type FetchLimits, type Outbound } from '../lib/outbound.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { CorruptRecord } from '../lib/storage_error.ts'
import type { ReadCopyStore } from './read_copy_store.ts'

const ISOLATE_ENTRIES = 500

/** The time between two reads of KV for a newer copy of a document, or for the first one. */
const COPY_SECONDS = 5

const timesSchema = z.object({ fetchedAt: z.int(), freshUntil: z.int() })

/** The values of a document, with the time of its fetch and the end of its freshness in Unix seconds. */
type Fetched<V> = V & z.output<typeof timesSchema>

/** One kind of documents, such as the keys of clients. Times are seconds. */
export interface DocumentKind<V extends object> {
  /** The beginning of the names of the copies in KV. */
  name: string
  limits: FetchLimits
  /** A document is fresh for the time of its HTTP headers, within these limits. `usual` is for a document without such headers. */
  freshSeconds: { min: number; usual: number; max: number }
  /** A document is not used from this age on. */
  oldestSeconds: number
  /** Whether the last document stays in use after a failed fetch. */
  keepsLastAfter(failure: FetchFailed): boolean
  /** The time between a fetch that failed and the next one. */
  cooldownSeconds: number
  valuesSchema: z.ZodMiniType<V>
  /** Uses the budget of the caller before a fetch. @throws OAuthError if it is used up */
  spendBudget?(context: RequestContext): Promise<void>
  /** Reads the values of a fetched object. @throws FetchFailed */
  read(url: string, object: object): V
  /** Logs a failed fetch. */
  logFailure(url: string, failure: FetchFailed): void
}

interface Dependencies {
  copies: ReadCopyStore
  outbound: Pick<Outbound, 'fetchObject'>
}

/** Documents from URLs that strangers can choose, in the memory of the isolate and in KV. Only `fetch` requests a URL. */
export class FetchedDocuments<V extends object> {
  readonly #kind: DocumentKind<V>
  readonly #dependencies: Dependencies
  readonly #documents = new ExpiringCache<Fetched<V>>(ISOLATE_ENTRIES)
  readonly #readCopies = new ExpiringCache<true>(ISOLATE_ENTRIES)
  readonly #failures = new ExpiringCache<FetchFailed>(ISOLATE_ENTRIES)
  readonly #copyReads = new SingleFlight<void>()
  readonly #fetches = new SingleFlight<Fetched<V>>()

  constructor(kind: DocumentKind<V>, dependencies: Dependencies) {
    this.#kind = kind
    this.#dependencies = dependencies
  }

  /** The document in the memory of the isolate; null without one. */
  known(url: string, { now }: Pick<RequestContext, 'now'>): Fetched<V> | null {
    return this.#documents.get(url, now)
  }

  /** The last document of this isolate or of another one, also if it is not fresh; null without one. */
  async find(url: string, context: RequestContext): Promise<Fetched<V> | null> {
    const known = this.known(url, context)
    if (known !== null && known.freshUntil > context.now) return known
    if (!this.#readCopies.get(url, context.now))
      await this.#copyReads.run(url, context, () => this.#readCopy(url, context))
    return this.known(url, context)
  }

  /** The last document if it is fresh, else a new one. @throws FetchFailed, OAuthError as `fetch`, unless the last document stays in use */
  async findFresh(url: string, context: RequestContext): Promise<Fetched<V>> {
    const last = await this.find(url, context)
    if (last !== null && last.freshUntil > context.now) return last
    try {
      return await this.fetch(url, context)
    } catch (error) {
      if (last !== null && error instanceof FetchFailed && this.#kind.keepsLastAfter(error)) return last
      throw error
    }
  }

  /**
   * Fetches a document. Requests for the same URL share one fetch.
   *
   * @throws FetchFailed, also in the cooldown of an earlier failure; OAuthError if the budget of the caller is used up
   */
  async fetch(url: string, context: RequestContext): Promise<Fetched<V>> {
    const failure = this.#failures.get(url, context.now)
    if (failure !== null) throw failure
    await this.#kind.spendBudget?.(context)
    return this.#fetches.run(url, context, () => this.#fetch(url, context))
  }

  /** @throws FetchFailed */
  async #fetch(url: string, context: RequestContext): Promise<Fetched<V>> {
    const { limits, oldestSeconds, cooldownSeconds } = this.#kind
    const { copies, outbound } = this.#dependencies
    const { now } = context
    try {
      const document = this.#read(url, await outbound.fetchObject(url, limits), now)
      this.#remember(url, document)
      runLater(context, `write the copy of ${url}`, async () =>
        copies.save(await this.#copyKeyOf(url), document, { now, ttlSeconds: oldestSeconds }),
      )
      return document
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      this.#failures.set(url, error, now + cooldownSeconds)
      this.#kind.logFailure(url, error)
      throw error
    }
  }

  /** @throws FetchFailed */
  #read(url: string, { object, headers }: FetchedObject, now: number): Fetched<V> {
    const { min, usual, max } = this.#kind.freshSeconds
    const freshSeconds = Math.min(Math.max(freshSecondsOf(headers) ?? usual, min), max)
    return { ...this.#kind.read(url, object), fetchedAt: now, freshUntil: now + freshSeconds }
  }

  /** Reads the copy of another isolate, if it is newer than the document in memory. */
  async #readCopy(url: string, { now }: RequestContext): Promise<void> {
    const copy = await this.#parseCopy(url)
    if (copy !== null && copy.fetchedAt > (this.known(url, { now })?.fetchedAt ?? 0))
      this.#remember(url, copy)
    this.#readCopies.set(url, true, now + COPY_SECONDS)
  }

  /** Null without a copy, and for one in a wrong form. */
  async #parseCopy(url: string): Promise<Fetched<V> | null> {
    try {
      const copy = await this.#dependencies.copies.find(await this.#copyKeyOf(url))
      const values = this.#kind.valuesSchema.safeParse(copy)
      const times = timesSchema.safeParse(copy)
      return values.success && times.success ? { ...values.data, ...times.data } : null
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      return null
    }
  }

  #remember(url: string, document: Fetched<V>): void {
    this.#documents.set(url, document, document.fetchedAt + this.#kind.oldestSeconds)
  }

  /** The key of a copy. A URL can be longer than a key of KV. */
  async #copyKeyOf(url: string): Promise<string> {
    return `${this.#kind.name}:${base64url.encode(await sha256(url))}`
  }
}
