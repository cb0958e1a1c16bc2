import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { emptyObjects } from './session_objects.ts'

const DATABASES = [env.DB, env.SESSIONS_EU, env.USERS_1, env.USERS_2]

/** The tables after all migrations, and their schema; null before the first migration of this runtime. */
let migrated: { tables: readonly string[]; schema: string } | null = null

/** Empties the databases and the session objects. The migrations take much longer, so that they run only if a test has changed the schema. */
export async function emptyDatabases(): Promise<void> {
  await emptyObjects()
  const schemas = await Promise.all(DATABASES.map(readSchema))
  if (migrated === null || schemas.some((schema) => schema !== migrated?.schema)) return migrateDatabases()
  const { tables } = migrated
  await Promise.all(DATABASES.map((db) => emptyDatabase(db, tables)))
}

async function migrateDatabases(): Promise<void> {
  await reset()
  for (const db of DATABASES) await applyD1Migrations(db, env.TEST_MIGRATIONS)
  migrated = { tables: await readTables(env.DB), schema: await readSchema(env.DB) }
}

/** A value that differs for another schema. The statements of the whole schema would take longer to read. */
async function readSchema(db: D1Database): Promise<string> {
  const select =
    'SELECT count(*) AS count, total(length(sql)) AS length, total(rootpage) AS pages FROM sqlite_master'
  return JSON.stringify(await db.prepare(select).first())
}

/** The names include `sqlite_sequence`: without its rows, AUTOINCREMENT begins at 1 again. */
async function readTables(db: D1Database): Promise<string[]> {
  const select = "SELECT name FROM sqlite_master WHERE type = 'table'"
  const { results } = await db.prepare(select).all<{ name: string }>()
  return results.map(({ name }) => name).filter((name) => !/^(?:_cf_|d1_)/.test(name))
}

/** Removes the rows of the tables that have rows: deletions from all tables take much longer. */
async function emptyDatabase(db: D1Database, tables: readonly string[]): Promise<void> {
  const existence = tables.map((name) => `EXISTS (SELECT 1 FROM ${name}) AS ${name}`)
  const row = await db.prepare(`SELECT ${existence.join(', ')}`).first<Record<string, number>>()
  const filled = tables.filter((name) => row?.[name] === 1)
  if (filled.length === 0) return
  await db.batch(filled.map((name) => db.prepare(`DELETE FROM ${name}`)))
  // The triggers of a deletion insert rows.
  await emptyDatabase(db, tables)
}
