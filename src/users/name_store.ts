import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import type { UserDatabases } from './user_databases_store.ts'

/** The usernames of users and the display names of clients by their ids. A deleted user or client has none. */
export type Names = ReadonlyMap<string, string>

const namesSchema = z.array(z.object({ id: z.string(), name: z.string() }))

/** A client id has no colon, so it never equals the id of a user. */
const SELECT_NAMES = `
  SELECT id, username AS name FROM users WHERE id IN (SELECT value FROM json_each(?1)) AND pool IS NOT ?2
  UNION ALL
  SELECT client_id, name FROM clients WHERE client_id IN (SELECT value FROM json_each(?1))`

/** Finds the names for the ids of a response, in D1. Clients are in the main database. */
export class NameStore {
  readonly #databases: UserDatabases

  constructor(databases: UserDatabases) {
    this.#databases = databases
  }

  /**
   * Finds the names of users and clients, in one statement for each database that the ids name.
   *
   * @param ids Ids of users, guests and clients, in any order; null is ignored.
   * @param hiddenPool A pool whose names are left out; null for none.
   * @throws StorageUnavailable, CorruptRecord
   */
  async find(ids: Iterable<string | null>, hiddenPool: string | null): Promise<Names> {
    const known = [...new Set(ids)].filter((id) => id !== null)
    const reads = [...this.#databases.group(known, (id) => id)].map(async ([db, ids]) => {
      const select = db.prepare(SELECT_NAMES).bind(JSON.stringify(ids), hiddenPool)
      const { results } = await callStore('D1 users and clients', () => select.all())
      return decodeRecord(namesSchema, 'names', results)
    })
    return new Map((await Promise.all(reads)).flat().map(({ id, name }) => [id, name]))
  }
}
