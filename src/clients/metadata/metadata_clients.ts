import type { Config } from '../../config/config.ts'
import { ExpiringCache } from '../../lib/expiring_cache.ts'
import type { RequestContext } from '../../lib/request_context.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import type { StoredClient } from '../client.ts'
import { clientOfDocument, valuesOfDocument } from './metadata_client.ts'
import type { MetadataDocument } from './metadata_document.ts'
import type { MetadataDocuments } from './metadata_documents.ts'

const ISOLATE_ENTRIES = 500

/** A document, and the row of its client. Each change makes a new object. */
interface Sources {
  /** Null if it was not fetched for OLDEST_DOCUMENT_SECONDS. */
  document: MetadataDocument | null
  row: Row
}

interface Row {
  /** Null before the first exchange of a code. */
  client: StoredClient | null
  /** The number of the latest change that the row includes. */
  asOf: number
}

interface Dependencies {
  config: Config
  documents: MetadataDocuments
}

/** Makes the clients of documents. A client that did not change is the same object again. */
export class MetadataClients {
  readonly #dependencies: Dependencies
  readonly #combined = new ExpiringCache<{ sources: Sources; client: StoredClient }>(ISOLATE_ENTRIES)

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  isTrusted(url: string): boolean {
    return this.#dependencies.documents.isTrusted(url)
  }

  /** Whether the isolate has the document. */
  hasDocument(url: string, context: RequestContext): boolean {
    return this.#dependencies.documents.has(url, context)
  }

  findDocument(url: string, context: RequestContext): Promise<MetadataDocument | null> {
    return this.#dependencies.documents.find(url, context)
  }

  /**
   * The client of a document. Without a document, the row has the values of the last exchange.
   *
   * @throws OAuthError temporarily_unavailable if the client is unknown without its document
   */
  combine(url: string, document: MetadataDocument | null, row: Row): StoredClient {
    const last = this.#combined.last(url)
    if (last?.sources.document === document && last.sources.row === row) return last.client
    const client = this.#clientOf(url, { document, row })
    this.#combined.set(url, { sources: { document, row }, client }, Number.POSITIVE_INFINITY)
    return client
  }

  /** @throws OAuthError temporarily_unavailable */
  #clientOf(url: string, { document, row }: Sources): StoredClient {
    if (document !== null) {
      const values = valuesOfDocument(url, document, this.#dependencies.config)
      return clientOfDocument(values, { stored: row.client, asOf: row.asOf })
    }
    if (row.client === null) throw temporarilyUnavailable('the document of the client is not known')
    return { ...row.client, hasOldKeys: row.client.jwks !== null }
  }
}
