import { env } from 'cloudflare:workers'

/** The tables that a sign-in reads in a replica. */
const TABLES = ['users', 'sign_in_failures']

/** A D1 database with a replica that changes only at `catchUp`. The replica is the second database of the tests. */
export class LaggingD1 {
  readonly db: D1Database
  readonly #primary: D1Database

  constructor(primary = env.DB) {
    this.#primary = primary
    this.db = new Proxy(primary, {
      get(target, property) {
        if (property === 'withSession') {
          return (constraint: D1SessionConstraint) =>
            (constraint === 'first-unconstrained' ? env.SESSIONS_EU : target).withSession(constraint)
        }
        return Reflect.get(target, property).bind(target)
      },
    })
  }

  /** Copies the primary to the replica. */
  async catchUp(): Promise<void> {
    for (const table of TABLES) await copyTable(this.#primary, table)
  }
}

async function copyTable(primary: D1Database, table: string): Promise<void> {
  // The list leaves out generated columns, which no statement can write.
  const { results: columns } = await primary.prepare(`PRAGMA table_info(${table})`).all<{ name: string }>()
  const names = columns.map(({ name }) => name).join(', ')
  const places = columns.map(() => '?').join(', ')
  const { results } = await primary.prepare(`SELECT ${names} FROM ${table}`).all()
  const insert = env.SESSIONS_EU.prepare(`INSERT INTO ${table} (${names}) VALUES (${places})`)
  const inserts = results.map((row) => insert.bind(...Object.values(row)))
  await env.SESSIONS_EU.batch([env.SESSIONS_EU.prepare(`DELETE FROM ${table}`), ...inserts])
}
