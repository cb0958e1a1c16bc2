import type { IndexDatabaseConfig } from '../config/session_schema.ts'
import { comparePlaces, type PageQuery } from '../lib/list_page.ts'
import {
  type ErasedPlace,
  type ErasedSearch,
  type IndexChanges,
  IndexDatabaseStore,
  type IndexedSession,
  type IndexPlace,
  type IndexRange,
} from './index_database_store.ts'
import type { SessionOrigin } from './session_ending_store.ts'
import type { SessionOwner } from './session_list_store.ts'

interface Stores {
  /** The part in the main database. */
  main: IndexDatabaseStore
  /** The parts in `index_databases` of config.yml. */
  others: readonly IndexDatabaseStore[]
  /** Those of `others` that get the rows of new sessions. */
  targets: readonly IndexDatabaseStore[]
}

/** Opens the index. @param databaseOf The database of a binding. */
export function openIndex(
  db: D1Database,
  databases: readonly IndexDatabaseConfig[],
  databaseOf: (binding: string) => D1Database,
): SessionIndexStore {
  const opened = databases.map(({ binding, takesNewSessions }) => ({
    store: new IndexDatabaseStore(databaseOf(binding)),
    takesNewSessions,
  }))
  return new SessionIndexStore({
    main: new IndexDatabaseStore(db),
    others: opened.map(({ store }) => store),
    targets: opened.filter(({ takesNewSessions }) => takesNewSessions).map(({ store }) => store),
  })
}

/**
 * The index of the sessions in all session objects, in one or more databases. A row moves only from the main database to a target:
 * it is added there before it is removed. So a reader of the main database and then of the others finds each row, some twice.
 */
export class SessionIndexStore {
  readonly #stores: Stores

  constructor(stores: Stores) {
    this.#stores = stores
  }

  /** Whether the rows of `addition` move to another database. */
  get movesAdditions(): boolean {
    return this.#stores.targets.length > 0
  }

  /** Makes a statement for the main database that adds a session, if the index does not have it. */
  addition(session: IndexedSession): D1PreparedStatement {
    return this.#stores.main.addition(session)
  }

  /**
   * Adds sessions to the targets, or without a target to the main database, and removes sessions from each database. A repeated
   * call has no further effect.
   *
   * @throws StorageUnavailable: then some databases may have their part
   */
  async change({ added, removed }: IndexChanges): Promise<void> {
    const { main, others } = this.#stores
    const byStore = Map.groupBy(added, ({ sid }) => this.#storeFor(sid))
    await Promise.all(others.map((store) => store.change({ added: byStore.get(store) ?? [], removed })))
    // An exchange of a code adds its row to the main database too.
    const moved = this.movesAdditions ? added.filter(({ openingId }) => openingId !== null) : []
    await main.change({
      added: byStore.get(main) ?? [],
      removed: [...removed, ...moved.map(({ sid }) => sid)],
    })
  }

  /** The sessions of an owner in the reading direction of a page, and one more than its limit. @throws StorageUnavailable, CorruptRecord */
  async list(owner: SessionOwner, page: PageQuery): Promise<IndexPlace[]> {
    const found = await this.#readAll((store) => store.list(owner, page))
    const places = new Map(found.map((place) => [place.sid, place]))
    const direction = page.isDescending === page.isBackwards ? 1 : -1
    return [...places.values()]
      .sort((a, b) => direction * comparePlaces([a.startedAt, a.sid], [b.startedAt, b.sid]))
      .slice(0, page.limit + 1)
  }

  /** The sids of up to `limit` sessions of an owner. @throws StorageUnavailable, CorruptRecord */
  async listSids(owner: SessionOwner, limit: number): Promise<string[]> {
    const sids = await this.#readAll((store) => store.listSids(owner, limit))
    return [...new Set(sids)].slice(0, limit)
  }

  /**
   * The rows in a range of sids that any database has, some twice. The range ends earlier if a database has too many of them.
   *
   * @param after Excluded. @param last Included.
   * @returns also the last sid of the range, included
   * @throws StorageUnavailable, CorruptRecord
   */
  async listRange(after: string, last: string): Promise<IndexRange> {
    const parts = await this.#readAll(async (store) => [await store.listRange(after, last)])
    const end = parts.reduce((least, part) => (part.last < least ? part.last : least), last)
    return { rows: parts.flatMap(({ rows }) => rows).filter(({ sid }) => sid <= end), last: end }
  }

  /** The names of the objects that have sessions of a browser session or a consent. @throws StorageUnavailable, CorruptRecord */
  async findObjects(origin: SessionOrigin): Promise<string[]> {
    return [...new Set(await this.#readAll((store) => store.findObjects(origin)))]
  }

  /** The objects with sessions of erased users, at most `limit`. @throws StorageUnavailable, CorruptRecord */
  async findErased(search: ErasedSearch, limit: number): Promise<ErasedPlace[]> {
    const found = await this.#readAll((store) => store.findErased(search, limit))
    const places = new Map(found.map((place) => [`${place.object} ${place.subject}`, place]))
    return [...places.values()].slice(0, limit)
  }

  /** Replaces the ids of erased users in the rows of objects, with one statement for each database. @throws StorageUnavailable */
  async erase(places: readonly ErasedPlace[]): Promise<void> {
    if (places.length === 0) return
    const { main, others } = this.#stores
    await Promise.all([main, ...others].map((store) => store.erase(places)))
  }

  async #readAll<T>(read: (store: IndexDatabaseStore) => Promise<T[]>): Promise<T[]> {
    const { main, others } = this.#stores
    const first = await read(main)
    return [first, ...(await Promise.all(others.map(read)))].flat()
  }

  #storeFor(sid: string): IndexDatabaseStore {
    const { main, targets } = this.#stores
    return targets[hash(sid) % targets.length] ?? main
  }
}

/** The sum of the characters. The random part of a sid spreads it evenly. */
function hash(sid: string): number {
  return [...sid].reduce((sum, character) => sum + character.charCodeAt(0), 0)
}
