import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getPlatformProxy, unstable_splitSqlQuery as splitSql } from 'wrangler'
import type { Env } from '../src/services.ts'

/** Where `wrangler dev` keeps the local D1 and KV. */
export const LOCAL_STATE = '.wrangler'

/** The same table in which wrangler records what it has applied. */
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`

/** Opens the local stores for one piece of work. No server may run on them meanwhile: SQLite has one writer. */
export async function withLocalStores<T>(work: (env: Env) => Promise<T>): Promise<T> {
  const proxy = await getPlatformProxy<Env & Record<string, unknown>>({
    configPath: 'wrangler.toml',
    persist: { path: join(LOCAL_STATE, 'state', 'v3') },
    remoteBindings: false,
  })
  try {
    return await work(proxy.env)
  } finally {
    await proxy.dispose()
  }
}

/** Applies the migrations that are missing, each whole or not at all. Returns their names. */
export async function migrate(db: D1Database): Promise<string[]> {
  await db.prepare(MIGRATIONS_TABLE).run()
  const { results } = await db.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
  const applied = new Set(results.map((row) => row.name))
  const missing = readdirSync('migrations')
    .filter((name) => name.endsWith('.sql') && !applied.has(name))
    .sort()
  for (const name of missing) {
    const statements = splitSql(readFileSync(join('migrations', name), 'utf8')).map((sql) => db.prepare(sql))
    await db.batch([...statements, db.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name)])
  }
  return missing
}
