import { base64url } from 'jose'
import type { Config } from '../../config/config.ts'
import { sha256 } from '../../lib/bytes.ts'
import { ExpiringCache } from '../../lib/expiring_cache.ts'
import { log } from '../../lib/log.ts'
import { FetchFailed, type FetchProblem, type Outbound } from '../../lib/outbound.ts'
import { type RequestContext, runLater } from '../../lib/request_context.ts'
import { SingleFlight } from '../../lib/single_flight.ts'
import { CorruptRecord } from '../../lib/storage_error.ts'
import type { BurstLimits } from '../../storage/burst_limits.ts'
import type { ReadCopyStore } from '../../storage/read_copy_store.ts'
import { findDocumentUrlProblem } from './document_url.ts'
import { type MetadataDocument, metadataSchema, readMetadata, UnusableDocument } from './metadata_document.ts'

const ISOLATE_ENTRIES = 500

/** The limits of a document (OAuth Client ID Metadata Document §6.6). */
const LIMITS = { maxBytes: 5 * 1024, timeoutMs: 5000 }

/** While a document cannot be fetched, its last copy is used until this age. */
export const OLDEST_DOCUMENT_SECONDS = 7 * 86_400

/** The time between a fetch that failed and the next one. */
export const COOLDOWN_SECONDS = 10

/** The time between two reads of KV for a newer copy, or for the first one. */
const COPY_SECONDS = 5

/** Why a document cannot be used: as `FetchProblem`, and `content` also for wrong members. `host`: config.yml does not trust it. */
export type DocumentProblem = FetchProblem | 'host'

/** The document of a client cannot be used. The message is for the log. */
export class DocumentUnavailable extends Error {
  override name = 'DocumentUnavailable'
  readonly url: string
  readonly problem: DocumentProblem
  /** Whether the other server has an outage. Then the last copy of the document stays in use. */
  readonly isOutage: boolean

  constructor(
    url: string,
    { problem, detail, isOutage = false }: { problem: DocumentProblem; detail: string; isOutage?: boolean },
  ) {
    super(detail)
    this.url = url
    this.problem = problem
    this.isOutage = isOutage
  }

  /** Whether the server never fetches this URL. Then a later request gets the same response. */
  get isFinal(): boolean {
    return this.problem === 'url' || this.problem === 'host'
  }
}

interface Dependencies {
  config: Pick<Config, 'issuer' | 'agents'>
  copies: ReadCopyStore
  outbound: Outbound
  bursts: Pick<BurstLimits, 'spend'>
}

/**
 * The documents of clients whose id is a URL (OAuth Client ID Metadata Document), in the memory of the isolate and in KV. Only
 * `prepare` requests a document from its server.
 */
export class MetadataDocuments {
  readonly #dependencies: Dependencies
  readonly #documents = new ExpiringCache<MetadataDocument>(ISOLATE_ENTRIES)
  readonly #readCopies = new ExpiringCache<true>(ISOLATE_ENTRIES)
  readonly #failures = new ExpiringCache<DocumentUnavailable>(ISOLATE_ENTRIES)
  readonly #copyReads = new SingleFlight<void>()
  readonly #fetches = new SingleFlight<MetadataDocument>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Whether config.yml allows the URL as a client id. */
  isTrusted(url: string): boolean {
    return findDocumentUrlProblem(url, this.#dependencies.config) === null
  }

  /** Whether the isolate has a document of a URL. */
  has(url: string, { now }: Pick<RequestContext, 'now'>): boolean {
    return this.#documents.get(url, now) !== null
  }

  /** The last known document of a trusted URL; null if it was not fetched in OLDEST_DOCUMENT_SECONDS. */
  async find(url: string, context: RequestContext): Promise<MetadataDocument | null> {
    const { now } = context
    const known = this.#documents.get(url, now)
    if (known !== null && known.freshUntil > now) return known
    if (!this.#readCopies.get(url, now)) {
      await this.#copyReads.run(url, context, () => this.#readCopy(url, context))
    }
    return this.#documents.get(url, now)
  }

  /**
   * Fetches the document of a URL, if the last one is not fresh. Requests for the same URL share one fetch. If its server has an outage,
   * the last document stays in use.
   *
   * @param options.acceptsOld Whether each known document is enough, also one that is not fresh.
   * @throws DocumentUnavailable; OAuthError too_many_attempts if the budget of the IP address is used up
   */
  async prepare(url: string, context: RequestContext, { acceptsOld = false } = {}): Promise<void> {
    const problem = findDocumentUrlProblem(url, this.#dependencies.config)
    if (problem !== null)
      throw new DocumentUnavailable(url, { problem, detail: 'the client id is no trusted URL' })
    const known = await this.find(url, context)
    if (known !== null && (acceptsOld || known.freshUntil > context.now)) return
    try {
      await this.#fetchOnce(url, context)
    } catch (error) {
      const usesKnown = known !== null && error instanceof DocumentUnavailable && error.isOutage
      if (!usesKnown) throw error
    }
  }

  /** @throws DocumentUnavailable, OAuthError */
  async #fetchOnce(url: string, context: RequestContext): Promise<void> {
    const failure = this.#failures.get(url, context.now)
    if (failure !== null) throw failure
    await this.#dependencies.bursts.spend('guesses', 'client documents', context)
    await this.#fetches.run(url, context, () => this.#fetch(url, context))
  }

  /** @throws DocumentUnavailable */
  async #fetch(url: string, context: RequestContext): Promise<MetadataDocument> {
    const { copies, outbound } = this.#dependencies
    const { now } = context
    try {
      const { object, headers } = await outbound.fetchObject(url, LIMITS)
      const findUrlProblem = (uri: string) => outbound.findProblem(uri)
      const document = readMetadata({ url, object, headers }, { now, findUrlProblem })
      this.#documents.set(url, document, now + OLDEST_DOCUMENT_SECONDS)
      runLater(context, 'write the copy of a document', async () =>
        copies.save(await copyKeyOf(url), document, { now, ttlSeconds: OLDEST_DOCUMENT_SECONDS }),
      )
      return document
    } catch (error) {
      const failure = describeFailure(url, error)
      this.#failures.set(url, failure, now + COOLDOWN_SECONDS)
      log('warn', 'client_document_not_fetched', { client_id: url, cause: failure.message })
      throw failure
    }
  }

  /** Reads the copy of another isolate, if it is newer than the document in memory. */
  async #readCopy(url: string, { now }: RequestContext): Promise<void> {
    const data = await this.#parseCopy(url)
    const known = this.#documents.get(url, now)
    const isNewer = data !== null && data.fetchedAt > (known?.fetchedAt ?? 0)
    if (isNewer) this.#documents.set(url, data, data.fetchedAt + OLDEST_DOCUMENT_SECONDS)
    this.#readCopies.set(url, true, now + COPY_SECONDS)
  }

  async #parseCopy(url: string): Promise<MetadataDocument | null> {
    try {
      const { data } = metadataSchema.safeParse(await this.#dependencies.copies.find(await copyKeyOf(url)))
      return data ?? null
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      return null
    }
  }
}

/** @throws every other error */
function describeFailure(url: string, error: unknown): DocumentUnavailable {
  if (error instanceof UnusableDocument)
    return new DocumentUnavailable(url, { problem: 'content', detail: error.message })
  if (!(error instanceof FetchFailed)) throw error
  const { problem, message: detail } = error
  return new DocumentUnavailable(url, { problem, detail, isOutage: isOutage(error) })
}

/** Whether the other server has an outage. With any other failure, the client may have removed or changed the document. */
function isOutage({ problem, status }: FetchFailed): boolean {
  if (problem === 'connection' || problem === 'timeout') return true
  return status !== null && (status >= 500 || status === 408 || status === 429)
}

/** The key of the copy of a document. A URL can be longer than a key of KV. */
async function copyKeyOf(url: string): Promise<string> {
  return `client-document:${base64url.encode(await sha256(url))}`
}
