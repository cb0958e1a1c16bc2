import { ExpiringCache } from '../lib/expiring_cache.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { TokenBucket } from '../lib/token_bucket.ts'
import type { ChangeListStore } from '../storage/change_list_store.ts'
import { CLIENT_COPY_SECONDS, UNKNOWN_CLIENT_SECONDS } from '../storage/copy_ages.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import { CLIENT_ID, decodeClientCopy, type StoredClient } from './client.ts'
import type { ClientTableStore } from './client_table_store.ts'

const ISOLATE_ENTRIES = 1000

/** After a failed read of a copy, the next one comes after this time. */
const READ_AGAIN_SECONDS = 5

/** Ids that D1 does not know draw on a budget in each isolate, so that garbage does not reach D1 unbounded. */
const UNKNOWN_IDS_AT_ONCE = 50
const UNKNOWN_IDS_PER_SECOND = 5

/** A client in the isolate's memory. */
interface Entry {
  /** Null where there is no client of that id. */
  client: StoredClient | null
  /** The latest change that it includes. */
  asOf: number
  /** From this second on it is read again, in parallel with the requests that use it. Unix seconds. */
  refreshAt: number
}

interface Dependencies {
  table: ClientTableStore
  copies: ReadCopyStore
  changes: ChangeListStore
}

/** Clients, read from the isolate's memory, from KV near the caller, or from D1. */
export class ClientStore {
  readonly #dependencies: Dependencies
  readonly #cache = new ExpiringCache<Entry>(ISOLATE_ENTRIES)
  readonly #flights = new SingleFlight<StoredClient | null>()
  readonly #unknownIds = new TokenBucket(UNKNOWN_IDS_AT_ONCE, UNKNOWN_IDS_PER_SECOND)

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * The client of that id, or null where there is none. It may be a copy: `isCurrent` says whether it may issue tokens.
   *
   * @throws StorageUnavailable where D1 is needed and away, or the budget of unknown ids is used up
   * @throws CorruptRecord
   */
  async find(id: string, context: RequestContext): Promise<StoredClient | null> {
    if (!CLIENT_ID.test(id)) return null
    const entry = this.#cache.get(id, context.now)
    if (entry === null || this.#isOutdated(id, entry)) return this.#fetch(id, context)
    if (entry.client !== null && entry.refreshAt <= context.now) {
      entry.refreshAt = context.now + READ_AGAIN_SECONDS
      runLater(context, `read the client ${id} again`, () => this.#fetch(id, context))
    }
    return entry.client
  }

  /** Like `find`, but first waits until the list of changes is a few seconds old at most. An outdated copy is read again. */
  async findCurrent(id: string, context: RequestContext): Promise<StoredClient | null> {
    await this.#dependencies.changes.confirm(context)
    return this.find(id, context)
  }

  /** Whether a client includes its latest change, by a list of changes that is a few seconds old at most. */
  async isCurrent(client: StoredClient, context: RequestContext): Promise<boolean> {
    await this.#dependencies.changes.confirm(context)
    return !this.#isOutdated(client.id, client)
  }

  #isOutdated(id: string, { asOf }: Pick<Entry, 'asOf'>): boolean {
    return this.#dependencies.changes.isOutdated(copyKey(id), asOf)
  }

  #fetch(id: string, context: RequestContext): Promise<StoredClient | null> {
    return this.#flights.run(id, context, () => this.#read(id, context))
  }

  async #read(id: string, context: RequestContext): Promise<StoredClient | null> {
    const { copies, changes } = this.#dependencies
    const { latest } = changes
    const record = {
      key: copyKey(id),
      decode: (copy: unknown) => decodeClientCopy(id, copy),
      isOutdated: (copy: StoredClient) => this.#isOutdated(id, copy),
      readRecord: () => this.#readRecord(id, context),
    }
    const client = await copies.readThrough(record, context)
    const seconds = client === null ? UNKNOWN_CLIENT_SECONDS : CLIENT_COPY_SECONDS.max
    const refreshAt = context.now + CLIENT_COPY_SECONDS.refreshAfter
    this.#cache.set(id, { client, asOf: client?.asOf ?? latest, refreshAt }, context.now + seconds)
    return client
  }

  async #readRecord(id: string, context: RequestContext): Promise<StoredClient | null> {
    const { table } = this.#dependencies
    if (this.#cache.last(id)?.client) return table.find(id)
    if (this.#unknownIds.isEmpty(context.now)) {
      throw new StorageUnavailable('the budget of unknown client ids is used up')
    }
    // Taken before the read and given back after it, so that a burst is bounded too.
    this.#unknownIds.take(context.now)
    const client = await table.find(id)
    if (client !== null) this.#unknownIds.giveBack()
    return client
  }

  /** Forgets what this isolate has of a client, so that it sees a change of its own at once. */
  forget(id: string): void {
    this.#cache.delete(id)
  }

  /**
   * Writes the KV copy of a changed client, or deletes the copy of a client that is gone. A text that cannot be a client id
   * has no copy, and may be longer than a key of KV.
   *
   * @throws StorageUnavailable
   */
  async renewCopy(id: string, context: RequestContext): Promise<void> {
    if (!CLIENT_ID.test(id)) return
    const { table, copies } = this.#dependencies
    this.forget(id)
    const client = await table.find(id)
    await copies.write(copyKey(id), client, context)
  }
}

function copyKey(id: string): string {
  return `client:${id}`
}
