import { describeError, log } from '../lib/log.ts'
import { type Merge, planMerge } from './merge_revocations.ts'
import {
  LISTED_AFTER_EXPIRY_SECONDS,
  type RevocationStore,
  type StoredRevocation,
} from './revocation_store.ts'

/** The most entries of the feed, except those of the last minute, which cannot be merged yet. */
export const MAX_FEED_ENTRIES = 10_000

/** An isolate reads the whole list again after this time. Until then it reads only the added entries. */
const READ_WHOLE_SECONDS = 900

/** The name of a database and its listed revocations. */
export interface DatabaseList {
  name: string
  /** The highest id that the database ever assigned. */
  lastId: number
  /** Oldest first. */
  revocations: readonly StoredRevocation[]
}

interface CachedList extends DatabaseList {
  /** When the isolate read the whole list, in Unix seconds. */
  readWholeAt: number
}

/** The listed revocations of every database, in the memory of one isolate. Each read adds the new revocations. */
export class ListedRevocations {
  readonly #stores: ReadonlyMap<string, RevocationStore>
  readonly #limit: number
  #cached = new Map<string, CachedList>()

  /** @param stores Every database that lists revocations, by a name of letters, digits and `_`. */
  constructor(stores: ReadonlyMap<string, RevocationStore>) {
    this.#stores = stores
    this.#limit = Math.floor(MAX_FEED_ENTRIES / stores.size)
  }

  /** The current lists. A list that is too long is merged in its database. @throws StorageUnavailable, CorruptRecord */
  async read(now: number): Promise<readonly DatabaseList[]> {
    const lists = await Promise.all([...this.#stores].map(([name, store]) => this.#readOne(name, store, now)))
    this.#cached = new Map(lists.map((list) => [list.name, list]))
    return lists
  }

  async #readOne(name: string, store: RevocationStore, now: number): Promise<CachedList> {
    const list = await this.#readAdded(name, store, now)
    const merge = planMerge(list.revocations, { now, limit: this.#limit })
    if (merge === null || !(await applyMerge(merge, store, now))) return list
    return readWhole(name, store, now)
  }

  /** Reads the whole list again if a coarse revocation may have replaced others, or if the highest id decreased. */
  async #readAdded(name: string, store: RevocationStore, now: number): Promise<CachedList> {
    const cached = this.#cached.get(name)
    if (!cached || now - cached.readWholeAt >= READ_WHOLE_SECONDS) return readWhole(name, store, now)
    const { revocations: added, lastId } = await store.list({ now, afterId: cached.lastId })
    const isCoarse = added.some(({ kind }) => kind === 'all' || kind === 'client_id')
    if (isCoarse || lastId < cached.lastId) return readWhole(name, store, now)
    const renewed = new Set(added.map(nameOf))
    const kept = cached.revocations.filter(
      (revocation) =>
        revocation.expiresAt + LISTED_AFTER_EXPIRY_SECONDS > now && !renewed.has(nameOf(revocation)),
    )
    return { ...cached, lastId, revocations: [...kept, ...added] }
  }
}

async function readWhole(name: string, store: RevocationStore, now: number): Promise<CachedList> {
  return { name, ...(await store.list({ now })), readWholeAt: now }
}

/** @returns Whether the merge succeeded. If it failed, the feed continues with the long list. */
async function applyMerge(merge: Merge, store: RevocationStore, now: number): Promise<boolean> {
  try {
    const removed = await store.merge(merge, now)
    const into = merge.additions.map(({ kind, value, before }) =>
      [kind, value, 'before', before].filter(Boolean).join(' '),
    )
    if (removed > 0) log('warn', 'revocations_merged', { removed, into: into.join(', ') })
    return true
  } catch (error) {
    log('error', 'revocations_not_merged', { cause: describeError(error) })
    return false
  }
}

function nameOf({ kind, value }: StoredRevocation): string {
  return `${kind} ${value}`
}
