import { describeError, log } from '../lib/log.ts'
import { callStore } from '../lib/storage_error.ts'

/** The size limit of a D1 database (https://developers.cloudflare.com/d1/platform/limits/). */
export const DATABASE_LIMIT_BYTES = 10_000_000_000

/** The share of the limit at which the server warns operators. */
const WARNING_SHARE = 0.7

/** The share of the limit at which the server removes rows early. */
const RELIEF_SHARE = 0.85

export interface DatabaseSize {
  /** The binding in wrangler.toml. */
  name: string
  /** Null if the database does not respond. */
  bytes: number | null
  isNearlyFull: boolean
  needsRelief: boolean
}

export class DatabaseSizeStore {
  readonly #databases: ReadonlyMap<string, D1Database>

  /** @param databases The databases, by their bindings. */
  constructor(databases: ReadonlyMap<string, D1Database>) {
    this.#databases = databases
  }

  /** Returns the size of each database. Logs each database that does not respond. */
  readAll(): Promise<DatabaseSize[]> {
    return Promise.all([...this.#databases].map(([name, db]) => readSize(name, db)))
  }

  /** Reads the sizes and logs a warning for each database that is nearly full. */
  async readAndWarn(): Promise<DatabaseSize[]> {
    const sizes = await this.readAll()
    for (const { name, bytes, isNearlyFull } of sizes) {
      if (isNearlyFull) log('warn', 'database_nearly_full', { name, bytes, limit: DATABASE_LIMIT_BYTES })
    }
    return sizes
  }
}

async function readSize(name: string, db: D1Database): Promise<DatabaseSize> {
  try {
    // Each result of D1 has the size of the whole database.
    const { meta } = await callStore(`D1 ${name}`, () => db.prepare('SELECT 1').run())
    return describe(name, meta.size_after)
  } catch (error) {
    log('warn', 'database_size_unknown', { name, cause: describeError(error) })
    return { name, bytes: null, isNearlyFull: false, needsRelief: false }
  }
}

function describe(name: string, bytes: number): DatabaseSize {
  const share = bytes / DATABASE_LIMIT_BYTES
  return { name, bytes, isNearlyFull: share >= WARNING_SHARE, needsRelief: share >= RELIEF_SHARE }
}
