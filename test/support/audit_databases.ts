import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

/** Where events are stored: the keys of config.yml. */
export interface AuditLayout {
  title: string
  config: { audit_databases?: { binding: string; new_events?: boolean }[] }
}

/** Two databases that take new events. */
export const NEW_1 = { binding: 'AUDIT_1', new_events: true }
export const NEW_2 = { binding: 'AUDIT_2', new_events: true }

export const LAYOUTS: readonly AuditLayout[] = [
  { title: 'in DB', config: {} },
  {
    title: 'in databases of their own',
    config: { audit_databases: [NEW_1, NEW_2] },
  },
]

/** The databases that can have audit events. */
export const AUDIT_BINDINGS = ['DB', 'AUDIT_1', 'AUDIT_2'] as const

const TABLES = ['audit_batches', 'audit_deliveries', 'audit_archives', 'erasures']

/** Empties the databases that have only audit events. */
export async function emptyAuditDatabases(): Promise<void> {
  for (const db of [env.AUDIT_1, env.AUDIT_2]) {
    const empty = () => db.batch(TABLES.map((table) => db.prepare(`DELETE FROM ${table}`)))
    // A test file that changes the schema resets all databases.
    await empty().catch(async () => {
      await applyD1Migrations(db, env.TEST_MIGRATIONS)
      await empty()
    })
  }
}

/** The rows of a query in each database of audit events. */
export async function selectEverywhere<T>(sql: string): Promise<T[]> {
  const found = await Promise.all(AUDIT_BINDINGS.map((name) => env[name].prepare(sql).all<T>()))
  return found.flatMap(({ results }) => results)
}

/** Runs a statement in each database of audit events. */
export async function runEverywhere(sql: string): Promise<void> {
  for (const name of AUDIT_BINDINGS) await env[name].prepare(sql).run()
}

/** How many rows each database has. */
export async function countIn(table: string): Promise<number[]> {
  const counts = await selectEverywhere<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)
  return counts.map(({ n }) => n)
}
