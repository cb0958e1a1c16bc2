import { ExpiringCache } from '../lib/expiring_cache.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { TokenBucket } from '../lib/token_bucket.ts'
import { isDocumentUrl } from '../oauth/document_client_id.ts'
import type { ChangeListStore } from '../storage/change_list_store.ts'
import { CLIENT_COPY_SECONDS, UNKNOWN_CLIENT_SECONDS } from '../storage/copy_ages.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import { type ClientCopy, decodeClientCopy, type StoredClient, toStoredClient } from './client.ts'
import { CLIENT_ID } from './client_fields.ts'
import type { ClientTableStore } from './client_table_store.ts'
import type { MetadataClients } from './metadata/metadata_clients.ts'

const ISOLATE_ENTRIES = 1000

/** The time between a failed refresh of a cached client and the next attempt. */
const RETRY_SECONDS = 5

/** The limit of concurrent reads of unknown ids in an isolate, so that random ids do not overload D1. */
const UNKNOWN_IDS_AT_ONCE = 50
const UNKNOWN_IDS_PER_SECOND = 5

/** A client in the cache of the isolate. */
interface Entry {
  /** Null if no client has the id. */
  client: StoredClient | null
  /** The number of the latest change in the entry. */
  asOf: number
  /** After this time, a request that uses the entry also starts a refresh of the entry. Unix seconds. */
  refreshAt: number
}

interface Dependencies {
  table: ClientTableStore
  copies: ReadCopyStore
  changes: ChangeListStore
  metadataClients: MetadataClients
}

/**
 * Reads clients from the cache of the isolate, then from the copy in KV, then from D1. A client whose id is a URL also has the values of
 * its document.
 */
export class ClientStore {
  readonly #dependencies: Dependencies
  readonly #cache = new ExpiringCache<Entry>(ISOLATE_ENTRIES)
  readonly #flights = new SingleFlight<Entry>()
  readonly #unknownIds = new TokenBucket(UNKNOWN_IDS_AT_ONCE, UNKNOWN_IDS_PER_SECOND)

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Finds a client by its id; null if the id is unknown. The result can be a copy: call `isCurrent` before you issue tokens to the
   * client.
   *
   * @throws StorageUnavailable if D1 does not respond or the budget of unknown ids is used up
   * @throws CorruptRecord
   */
  async find(id: string, context: RequestContext): Promise<StoredClient | null> {
    if (CLIENT_ID.test(id)) return (await this.#findEntry(id, context)).client
    const { metadataClients } = this.#dependencies
    if (!metadataClients.isTrusted(id)) return null
    const [entry, document] = await Promise.all([
      this.#findEntry(id, context),
      metadataClients.findDocument(id, context),
    ])
    return metadataClients.combine(id, document, entry)
  }

  async #findEntry(id: string, context: RequestContext): Promise<Entry> {
    const entry = this.#cache.get(id, context.now)
    if (entry === null || this.#isOutdated(id, entry)) return this.#fetch(id, context)
    if (entry.client !== null && entry.refreshAt <= context.now) {
      entry.refreshAt = context.now + RETRY_SECONDS
      runLater(context, `read the client ${id} again`, () => this.#fetch(id, context))
    }
    return entry
  }

  /** Like `find`, but the list of changes is at most a few seconds old. The store replaces an outdated copy. */
  async findCurrent(id: string, context: RequestContext): Promise<StoredClient | null> {
    await this.#dependencies.changes.confirm(context)
    return this.find(id, context)
  }

  /** Whether a client includes its latest change. The list of changes is at most a few seconds old. */
  async isCurrent(client: StoredClient, context: RequestContext): Promise<boolean> {
    await this.#dependencies.changes.confirm(context)
    return !this.#isOutdated(client.id, client)
  }

  #isOutdated(id: string, { asOf }: Pick<Entry, 'asOf'>): boolean {
    return this.#dependencies.changes.isOutdated(copyKey(id), asOf)
  }

  #fetch(id: string, context: RequestContext): Promise<Entry> {
    return this.#flights.run(id, context, () => this.#read(id, context))
  }

  async #read(id: string, context: RequestContext): Promise<Entry> {
    const { copies, changes } = this.#dependencies
    const { latest } = changes
    const record = {
      key: copyKey(id),
      decode: (copy: unknown) => decodeClientCopy(id, copy),
      isOutdated: (copy: ClientCopy) => this.#isOutdated(id, copy),
      readRecord: () => this.#readRecord(id, context),
    }
    const copy = await copies.readThrough(record, context)
    const client = copy && toStoredClient(copy)
    const seconds = client === null ? UNKNOWN_CLIENT_SECONDS : CLIENT_COPY_SECONDS.max
    const refreshAt = context.now + CLIENT_COPY_SECONDS.refreshAfter
    const entry = { client, asOf: client?.asOf ?? latest, refreshAt }
    this.#cache.set(id, entry, context.now + seconds)
    return entry
  }

  async #readRecord(id: string, context: RequestContext): Promise<ClientCopy | null> {
    const { table, metadataClients } = this.#dependencies
    // A client with a document has no row before its first tokens. The fetch of the document had a budget of its own.
    if (this.#cache.last(id)?.client || metadataClients.hasDocument(id, context)) return table.findCopy(id)
    if (this.#unknownIds.isEmpty(context.now)) {
      throw new StorageUnavailable('the budget of unknown client ids is used up')
    }
    // The store takes the token before the read and returns it afterwards, so that the limit includes parallel reads.
    this.#unknownIds.take(context.now)
    const copy = await table.findCopy(id)
    if (copy !== null) this.#unknownIds.giveBack()
    return copy
  }

  /** Removes a client from the cache of this isolate, so that the isolate uses its own change at once. */
  forget(id: string): void {
    this.#cache.delete(id)
  }

  /**
   * Writes the KV copy of a changed client, or deletes the copy of a deleted client. An invalid id has no copy, and it can be too
   * long for a KV key.
   *
   * @throws StorageUnavailable
   */
  async renewCopy(id: string, context: RequestContext): Promise<void> {
    if (!CLIENT_ID.test(id) && !isDocumentUrl(id)) return
    const { table, copies } = this.#dependencies
    this.forget(id)
    await copies.write(copyKey(id), await table.findCopy(id), context)
  }
}

function copyKey(id: string): string {
  return `client:${id}`
}
