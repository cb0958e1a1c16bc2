import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { emptyObjects } from './session_objects.ts'

const DATABASES = [env.DB, env.SESSIONS_EU, env.USERS_1, env.USERS_2]

interface SchemaEntry {
  type: string
  name: string
  sql: string | null
}

/** The schema after all migrations; null before the first one of this runtime. */
let migrated: string | null = null

/** Empties the databases and the session objects. The migrations take 20 times as long, so that they run only if a test has changed the schema. */
export async function emptyDatabases(): Promise<void> {
  await emptyObjects()
  const schemas = await Promise.all(DATABASES.map(readSchema))
  if (schemas.some((schema) => JSON.stringify(schema) !== migrated)) return migrateDatabases()
  const statements = deletionsOf(schemas[0] ?? [])
  await Promise.all(DATABASES.map((db) => db.batch(statements.map((sql) => db.prepare(sql)))))
}

async function migrateDatabases(): Promise<void> {
  await reset()
  for (const db of DATABASES) await applyD1Migrations(db, env.TEST_MIGRATIONS)
  migrated = JSON.stringify(await readSchema(env.DB))
}

async function readSchema(db: D1Database): Promise<SchemaEntry[]> {
  const select = 'SELECT type, name, sql FROM sqlite_master ORDER BY type, name'
  return (await db.prepare(select).all<SchemaEntry>()).results
}

function deletionsOf(schema: readonly SchemaEntry[]): string[] {
  const tables = schema.filter(({ type, name }) => type === 'table' && !/^(?:sqlite_|_cf_|d1_)/.test(name))
  const deletions = tables.map(({ name }) => `DELETE FROM ${name}`)
  // The triggers of a deletion insert rows. AUTOINCREMENT begins at 1 again.
  return [...deletions, ...deletions, 'DELETE FROM sqlite_sequence']
}
