import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import {
  getPlatformProxy,
  unstable_readConfig as readWranglerConfig,
  unstable_splitSqlQuery as splitSql,
} from 'wrangler'

/** The directory of all local data. `npm run reset` removes it. */
export const LOCAL_STATE = '.wrangler'

/** A local Worker, and the directory of its D1 and KV. */
export interface LocalWorker {
  /** The path of its wrangler.toml. */
  configPath: string
  /** The value for `wrangler dev --persist-to`. */
  statePath: string
}

/** The table in which wrangler records the applied migrations. */
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`

/**
 * Opens the stores of a Worker for one task. The Worker must not run at the same time, because SQLite has one writer.
 *
 * @typeParam Env The bindings of the Worker.
 */
export async function withLocalStores<Env, T>(
  { configPath, statePath }: LocalWorker,
  work: (env: Env) => Promise<T>,
): Promise<T> {
  const proxy = await getPlatformProxy<Env & Record<string, unknown>>({
    configPath: writeStoresConfig({ configPath, statePath }),
    envFiles: [resolve(dirname(configPath), '.dev.vars')],
    persist: { path: join(statePath, 'v3') },
    remoteBindings: false,
  })
  try {
    return await work(proxy.env)
  } finally {
    await proxy.dispose()
  }
}

/**
 * Writes a configuration with the stores of a Worker. It has no Durable Objects, because their class is in the Worker, which does not
 * run here, and workerd warns of a missing class.
 *
 * @returns its path
 */
function writeStoresConfig({ configPath, statePath }: LocalWorker): string {
  const { name, compatibility_date, compatibility_flags, ...toml } = readWranglerConfig({
    config: configPath,
  })
  const config = {
    name,
    compatibility_date,
    compatibility_flags,
    d1_databases: toml.d1_databases,
    kv_namespaces: toml.kv_namespaces,
    r2_buckets: toml.r2_buckets,
    vars: toml.vars,
  }
  mkdirSync(statePath, { recursive: true })
  const path = resolve(statePath, 'stores.json')
  writeFileSync(path, JSON.stringify(config))
  return path
}

/** Applies the missing migrations, each in one transaction. @returns their names */
export async function migrate(db: D1Database, directory = 'migrations'): Promise<string[]> {
  await db.prepare(MIGRATIONS_TABLE).run()
  const { results } = await db.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
  const applied = new Set(results.map((row) => row.name))
  const missing = readdirSync(directory)
    .filter((name) => name.endsWith('.sql') && !applied.has(name))
    .sort()
  for (const name of missing) {
    const statements = splitSql(readFileSync(join(directory, name), 'utf8')).map((sql) => db.prepare(sql))
    await db.batch([...statements, db.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name)])
  }
  return missing
}
