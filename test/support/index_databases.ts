import { applyD1Migrations, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { IndexDatabaseConfig } from '../../src/config/session_schema.ts'
import { MARKETS } from '../../src/lib/market.ts'
import { TestServer } from './server.ts'
import { objectOf } from './session_objects.ts'

/** The databases that can have rows of the index. */
const INDEX_BINDINGS = ['DB', 'INDEX_1', 'INDEX_2'] as const
export type IndexBinding = (typeof INDEX_BINDINGS)[number]

/** `index_databases` of config.yml. */
export type IndexDatabases = readonly { binding: string; new_sessions?: boolean }[]

/** Databases that only have rows of before, and databases for new sessions. */
export const LISTED_1 = { binding: 'INDEX_1' }
export const LISTED_2 = { binding: 'INDEX_2' }
export const NEW_1 = { binding: 'INDEX_1', new_sessions: true }
export const NEW_2 = { binding: 'INDEX_2', new_sessions: true }

/** An isolate with these databases of the index, and one session object in each market. */
export function serverWith(
  index_databases: IndexDatabases,
  options: Omit<ConstructorParameters<typeof TestServer>[0] & object, 'config'> = {},
): TestServer {
  const session_objects = { per_market: 1, strict: true, index_databases }
  return new TestServer({ ...options, config: { session_objects } })
}

/**
 * Gives every session object these databases of the index, until it leaves the memory.
 *
 * @param stores Databases in place of those of the test, such as one that fails.
 */
export async function setObjects(
  databases: IndexDatabases,
  stores: Partial<Record<IndexBinding, D1Database>> = {},
): Promise<void> {
  const indexDatabases = databases.map(
    ({ binding, new_sessions = false }): IndexDatabaseConfig => ({ binding, takesNewSessions: new_sessions }),
  )
  for (const market of MARKETS)
    await runInDurableObject(objectOf(`${market}-0.`), (instance) => {
      Object.assign(instance, { indexDatabases, env: { ...env, ...stores } })
    })
}

/** Empties the databases that only have rows of the index. */
export async function emptyIndexDatabases(): Promise<void> {
  for (const db of [env.INDEX_1, env.INDEX_2]) {
    const empty = () => db.prepare('DELETE FROM session_index').run()
    // A test file that changes the schema resets all databases.
    await empty().catch(async () => {
      await applyD1Migrations(db, env.TEST_MIGRATIONS)
      await empty()
    })
  }
}

/** The databases that have the row of a session. */
export async function placesOf(sid: string): Promise<IndexBinding[]> {
  const found = await Promise.all(
    INDEX_BINDINGS.map((name) =>
      env[name].prepare('SELECT 1 FROM session_index WHERE sid = ?').bind(sid).first(),
    ),
  )
  return INDEX_BINDINGS.filter((_, i) => found[i] !== null)
}

/** The subjects in the rows of a session, in any database. */
export async function subjectsOf(sid: string): Promise<unknown[]> {
  const found = await Promise.all(
    INDEX_BINDINGS.map((name) =>
      env[name].prepare('SELECT subject FROM session_index WHERE sid = ?').bind(sid).all(),
    ),
  )
  return found.flatMap(({ results }) => results.map(({ subject }) => subject))
}

/** Copies the row of a session to a database. */
export async function copyRow(sid: string, from: IndexBinding, to: IndexBinding): Promise<void> {
  const row = await env[from].prepare('SELECT * FROM session_index WHERE sid = ?').bind(sid).first()
  const entries = Object.entries(row ?? {})
  const columns = entries.map(([name]) => name).join(', ')
  await env[to]
    .prepare(`INSERT INTO session_index (${columns}) VALUES (${entries.map(() => '?').join(', ')})`)
    .bind(...entries.map(([, value]) => value))
    .run()
}
