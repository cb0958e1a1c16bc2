import { describeError, log } from '../lib/log.ts'
import { type CutoffStore, LISTED_AFTER_EXPIRY_SECONDS, type StoredCutoff } from './cutoff_store.ts'
import { type Merge, planMerge } from './merge_cutoffs.ts'

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
  cutoffs: readonly StoredCutoff[]
}

interface HeldList extends DatabaseList {
  /** When the isolate read the whole list, in Unix seconds. */
  readWholeAt: number
}

/** The listed revocations of every database, in the memory of one isolate. Each read adds the new revocations. */
export class ListedCutoffs {
  readonly #stores: ReadonlyMap<string, CutoffStore>
  readonly #limit: number
  #held = new Map<string, HeldList>()

  /** @param stores Every database that lists revocations, by a name of letters, digits and `_`. */
  constructor(stores: ReadonlyMap<string, CutoffStore>) {
    this.#stores = stores
    this.#limit = Math.floor(MAX_FEED_ENTRIES / stores.size)
  }

  /** The current lists. A list that is too long is merged in its database. @throws StorageUnavailable, CorruptRecord */
  async read(now: number): Promise<readonly DatabaseList[]> {
    const lists = await Promise.all([...this.#stores].map(([name, store]) => this.#readOne(name, store, now)))
    this.#held = new Map(lists.map((list) => [list.name, list]))
    return lists
  }

  async #readOne(name: string, store: CutoffStore, now: number): Promise<HeldList> {
    const list = await this.#readAdded(name, store, now)
    const merge = planMerge(list.cutoffs, { now, limit: this.#limit })
    if (merge === null || !(await applyMerge(merge, store, now))) return list
    return readWhole(name, store, now)
  }

  /** Reads the whole list again if a coarse revocation may have replaced others, or if the highest id decreased. */
  async #readAdded(name: string, store: CutoffStore, now: number): Promise<HeldList> {
    const held = this.#held.get(name)
    if (!held || now - held.readWholeAt >= READ_WHOLE_SECONDS) return readWhole(name, store, now)
    const { cutoffs: added, lastId } = await store.list({ now, afterId: held.lastId })
    const isCoarse = added.some(({ kind }) => kind === 'all' || kind === 'client_id')
    if (isCoarse || lastId < held.lastId) return readWhole(name, store, now)
    const renewed = new Set(added.map(nameOf))
    const kept = held.cutoffs.filter(
      (cutoff) => cutoff.expiresAt + LISTED_AFTER_EXPIRY_SECONDS > now && !renewed.has(nameOf(cutoff)),
    )
    return { ...held, lastId, cutoffs: [...kept, ...added] }
  }
}

async function readWhole(name: string, store: CutoffStore, now: number): Promise<HeldList> {
  return { name, ...(await store.list({ now })), readWholeAt: now }
}

/** @returns Whether the merge succeeded. If it failed, the feed continues with the long list. */
async function applyMerge(merge: Merge, store: CutoffStore, now: number): Promise<boolean> {
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

function nameOf({ kind, value }: StoredCutoff): string {
  return `${kind} ${value}`
}
