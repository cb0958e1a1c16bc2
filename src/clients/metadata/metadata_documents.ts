import type { Config } from '../../config/config.ts'
import { log } from '../../lib/log.ts'
import { FetchFailed, type FetchProblem, type Outbound } from '../../lib/outbound.ts'
import type { RequestContext } from '../../lib/request_context.ts'
import type { BurstLimits } from '../../storage/burst_limits.ts'
import { type DocumentKind, FetchedDocuments } from '../../storage/fetched_documents.ts'
import type { ReadCopyStore } from '../../storage/read_copy_store.ts'
import { findDocumentUrlProblem } from './document_url.ts'
import { type MetadataDocument, metadataSchema, readMetadata } from './metadata_document.ts'

/** While a document cannot be fetched, its last copy is used until this age. */
export const OLDEST_DOCUMENT_SECONDS = 7 * 86_400

/** The time between a fetch that failed and the next one. */
export const COOLDOWN_SECONDS = 10

/** The documents of clients, with the limits of OAuth Client ID Metadata Document §6.6. */
function kindOf({ outbound, bursts }: Dependencies): DocumentKind<MetadataDocument> {
  return {
    name: 'client-document',
    limits: { maxBytes: 5 * 1024, timeoutMs: 5000 },
    freshSeconds: { min: 60, usual: 3600, max: OLDEST_DOCUMENT_SECONDS },
    oldestSeconds: OLDEST_DOCUMENT_SECONDS,
    cooldownSeconds: COOLDOWN_SECONDS,
    keepsLastAfter: ({ isOutage }) => isOutage,
    spendBudget: (context) => bursts.spend('guesses', 'client documents', context),
    valuesSchema: metadataSchema,
    read: (url, object) => readMetadata(url, object, (uri) => outbound.findProblem(uri)),
    logFailure: (url, { message }) =>
      log('warn', 'client_document_not_fetched', { client_id: url, cause: message }),
  }
}

/** Why a document cannot be used: as `FetchProblem`. `host`: config.yml does not trust it. */
export type DocumentProblem = FetchProblem | 'host'

/** The document of a client cannot be used. The message is for the log. */
export class DocumentUnavailable extends Error {
  override name = 'DocumentUnavailable'
  readonly url: string
  readonly problem: DocumentProblem

  constructor(url: string, problem: DocumentProblem, detail: string) {
    super(detail)
    this.url = url
    this.problem = problem
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

/** The documents of clients whose id is a URL (OAuth Client ID Metadata Document). Only `prepare` requests a document from its server. */
export class MetadataDocuments {
  readonly #config: Dependencies['config']
  readonly #documents: FetchedDocuments<MetadataDocument>

  constructor(dependencies: Dependencies) {
    this.#config = dependencies.config
    this.#documents = new FetchedDocuments(kindOf(dependencies), dependencies)
  }

  /** Whether config.yml allows the URL as a client id. */
  isTrusted(url: string): boolean {
    return findDocumentUrlProblem(url, this.#config) === null
  }

  /** Whether the isolate has a document of a URL. */
  has(url: string, context: RequestContext): boolean {
    return this.#documents.known(url, context) !== null
  }

  /** The last known document of a trusted URL; null if it was not fetched in OLDEST_DOCUMENT_SECONDS. */
  find(url: string, context: RequestContext): Promise<MetadataDocument | null> {
    return this.#documents.find(url, context)
  }

  /**
   * Fetches the document of a URL, if the last one is not fresh. If its server has an outage, the last document stays in use.
   *
   * @param options.acceptsOld Whether each known document is enough, also one that is not fresh.
   * @throws DocumentUnavailable; OAuthError too_many_attempts if the budget of the IP address is used up
   */
  async prepare(url: string, context: RequestContext, { acceptsOld = false } = {}): Promise<void> {
    const problem = findDocumentUrlProblem(url, this.#config)
    if (problem !== null) throw new DocumentUnavailable(url, problem, 'the client id is no trusted URL')
    if (acceptsOld && (await this.find(url, context)) !== null) return
    try {
      await this.#documents.findFresh(url, context)
    } catch (error) {
      throw error instanceof FetchFailed ? new DocumentUnavailable(url, error.problem, error.message) : error
    }
  }
}
