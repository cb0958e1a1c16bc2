import { StorageUnavailable } from '../lib/storage_error.ts'
import { generateUserId } from './user.ts'

/** A database of users beside the main database. */
export interface FurtherDatabase {
  /** The text before the dot in the ids of its users. */
  name: string
  db: D1Database
  /** The pools whose new users it stores. */
  newUsers: readonly string[]
}

/** A username of a pool, normalised. */
export interface PoolName {
  pool: string
  username: string
}

/** The name of the main database. No id has it. */
export const HOME = ''

/** The id of a user of a further database: the name of the database, a dot and 128 random bits. */
const FURTHER_ID = /^user:([a-z][a-z0-9]{0,15})\.[\w-]{22}$/

/** The name of the database that an id names. The main database also has the rows of other ids. */
export function databaseNameOf(id: string): string {
  return FURTHER_ID.exec(id)?.[1] ?? HOME
}

/** Whether the user of an id is in a further database. */
export function isInFurther(id: string): boolean {
  return databaseNameOf(id) !== HOME
}

export function unknownDatabase(name: string): StorageUnavailable {
  return new StorageUnavailable(`config.yml has no database of users with the name ${name}`)
}

/**
 * The databases of users: the main database, and those of `user_databases` in config.yml. The id of a user names the database. So
 * a user stays in it, and a request that has the id reads one database. A username can be in every database of its pool.
 */
export class UserDatabases {
  readonly home: D1Database
  readonly #databases: ReadonlyMap<string, D1Database>
  readonly #further: readonly FurtherDatabase[]
  readonly #pools: ReadonlySet<string>

  /** @param pools The pools whose users can be in a further database. */
  constructor(home: D1Database, further: readonly FurtherDatabase[] = [], pools: Iterable<string> = []) {
    this.home = home
    this.#databases = new Map([[HOME, home], ...further.map(({ name, db }) => [name, db] as const)])
    this.#further = further
    this.#pools = new Set(pools)
  }

  /** All databases, the main database first. */
  all(): readonly D1Database[] {
    return [...this.#databases.values()]
  }

  /** The names of the databases that can have a username of a pool; of any pool without an argument. */
  namesFor(pool: string | null): readonly string[] {
    return pool === null || this.#pools.has(pool) ? [...this.#databases.keys()] : [HOME]
  }

  /** The name of the database of an id (`databaseNameOf`). */
  nameOf(id: string): string {
    return databaseNameOf(id)
  }

  /**
   * The name of the database for a new user: that of a hash of the pool and the username, among the databases with new users of the
   * pool. All isolates know such a pool as one of several databases, because a deployment before added it.
   */
  nameForNew({ pool, username }: PoolName): string {
    const open = this.#further.filter(({ newUsers }) => newUsers.includes(pool))
    return open[hashOf(`${pool}\0${username}`) % open.length]?.name ?? HOME
  }

  newId(name: PoolName): string {
    return generateUserId(this.nameForNew(name))
  }

  /** @throws StorageUnavailable if config.yml has no such database: then it is not known whether the user exists */
  named(name: string): D1Database {
    const db = this.#databases.get(name)
    if (db) return db
    throw unknownDatabase(name)
  }

  /** The database with the rows of an id. @throws StorageUnavailable as `named` */
  of(id: string): D1Database {
    return this.named(this.nameOf(id))
  }

  /** Groups ids or records by their databases. @throws StorageUnavailable as `named` */
  group<T>(items: Iterable<T>, idOf: (item: T) => string): Map<D1Database, T[]> {
    return Map.groupBy(items, (item) => this.of(idOf(item)))
  }
}

/** FNV-1a with 32 bits, over UTF-16 code units. It never changes, because it places users. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash
}
