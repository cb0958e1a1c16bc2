import { describeError, log } from '../lib/log.ts'
import { callStore } from '../lib/storage_error.ts'

/** What a D1 database can hold (https://developers.cloudflare.com/d1/platform/limits/). */
export const DATABASE_LIMIT_BYTES = 10_000_000_000

/** The share of the limit from which an operator is warned. */
const WARNING_SHARE = 0.7

export interface DatabaseSize {
  /** The binding in wrangler.toml. */
  name: string
  /** Null where the database does not answer. */
  bytes: number | null
  isNearlyFull: boolean
}

/** How full the databases are. */
export class DatabaseSizeStore {
  readonly #databases: ReadonlyMap<string, D1Database>

  /** @param databases By their bindings. */
  constructor(databases: ReadonlyMap<string, D1Database>) {
    this.#databases = databases
  }

  /** The size of each database. One that does not answer is logged. */
  readAll(): Promise<DatabaseSize[]> {
    return Promise.all([...this.#databases].map(([name, db]) => readSize(name, db)))
  }

  /** Logs a warning for each database that is nearly full. */
  async warn(): Promise<void> {
    for (const { name, bytes, isNearlyFull } of await this.readAll()) {
      if (isNearlyFull) log('warn', 'database_nearly_full', { name, bytes, limit: DATABASE_LIMIT_BYTES })
    }
  }
}

async function readSize(name: string, db: D1Database): Promise<DatabaseSize> {
  try {
    // Each result of D1 has the size of the whole database.
    const { meta } = await callStore(`D1 ${name}`, () => db.prepare('SELECT 1').run())
    const bytes = meta.size_after
    return { name, bytes, isNearlyFull: bytes >= WARNING_SHARE * DATABASE_LIMIT_BYTES }
  } catch (error) {
    log('warn', 'database_size_unknown', { name, cause: describeError(error) })
    return { name, bytes: null, isNearlyFull: false }
  }
}
