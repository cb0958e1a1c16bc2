import { ExpiringCache } from '../lib/expiring_cache.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { TokenBucket } from '../lib/token_bucket.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import { CLIENT_ID, type Client, decodeClient } from './client.ts'
import type { ClientTableStore } from './client_table_store.ts'

/** How long an isolate keeps a client, or that there is none. Part of the bound on a disabled client. */
const ISOLATE_TTL_SECONDS = 30
const ISOLATE_ENTRIES = 1000

/** Ids that D1 does not know draw on a budget in each isolate, so that garbage does not reach D1 unbounded. */
const UNKNOWN_IDS_AT_ONCE = 50
const UNKNOWN_IDS_PER_SECOND = 5

/** Clients: of record in D1, read from the isolate's memory and from KV near the caller. */
export class ClientStore {
  readonly #table: ClientTableStore
  readonly #copies: ReadCopyStore
  readonly #cache = new ExpiringCache<Client | 'unknown'>(ISOLATE_ENTRIES)
  readonly #flights = new SingleFlight<Client | null>()
  readonly #unknownIds = new TokenBucket(UNKNOWN_IDS_AT_ONCE, UNKNOWN_IDS_PER_SECOND)

  constructor(table: ClientTableStore, copies: ReadCopyStore) {
    this.#table = table
    this.#copies = copies
  }

  /**
   * The client of that id, or null where there is none.
   *
   * @throws StorageUnavailable where D1 is needed and away, or the budget of unknown ids is used up
   * @throws CorruptRecord
   */
  async find(id: string, context: RequestContext): Promise<Client | null> {
    if (!CLIENT_ID.test(id)) return null
    const cached = this.#cache.get(id, context.now)
    if (cached) return cached === 'unknown' ? null : cached
    return this.#flights.run(id, context, () => this.#read(id, context))
  }

  async #read(id: string, context: RequestContext): Promise<Client | null> {
    const decode = (copy: unknown) => decodeClient(id, copy)
    const readRecord = () => this.#readRecord(id, context)
    const client = await this.#copies.readThrough({ key: copyKey(id), decode, readRecord }, context)
    this.#cache.set(id, client ?? 'unknown', context.now + ISOLATE_TTL_SECONDS)
    return client
  }

  async #readRecord(id: string, context: RequestContext): Promise<Client | null> {
    const last = this.#cache.last(id)
    if (last !== null && last !== 'unknown') return this.#table.find(id)
    if (this.#unknownIds.isEmpty(context.now)) {
      throw new StorageUnavailable('the budget of unknown client ids is used up')
    }
    // Taken before the read and given back after it, so that a burst is bounded too.
    this.#unknownIds.take(context.now)
    const client = await this.#table.find(id)
    if (client !== null) this.#unknownIds.giveBack()
    return client
  }

  /** Forgets what this isolate has of a client, so that it sees a change of its own at once. */
  forget(id: string): void {
    this.#cache.delete(id)
  }

  /**
   * Writes the KV copy of a changed client, or deletes that of one that is gone; isolates follow within their time. What
   * can be no client's id has no copy, and may be longer than a key of KV.
   *
   * @throws StorageUnavailable
   */
  async renewCopy(id: string, context: RequestContext): Promise<void> {
    if (!CLIENT_ID.test(id)) return
    this.forget(id)
    const client = await this.#table.find(id)
    await this.#copies.write(copyKey(id), client, context)
  }
}

function copyKey(id: string): string {
  return `client:${id}`
}
