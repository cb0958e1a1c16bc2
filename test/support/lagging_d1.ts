import { env } from 'cloudflare:workers'

/** The tables that a sign-in reads in a replica. */
const TABLES = ['users', 'sign_in_failures']

/** D1 with a replica that changes only at `catchUp`. The replica is the second database of the tests. */
export class LaggingD1 {
  readonly db: D1Database = new Proxy(env.DB, {
    get(target, property) {
      if (property === 'withSession') {
        return (constraint: D1SessionConstraint) =>
          (constraint === 'first-unconstrained' ? env.SESSIONS_EU : target).withSession(constraint)
      }
      return Reflect.get(target, property).bind(target)
    },
  })

  /** Copies the primary to the replica. */
  async catchUp(): Promise<void> {
    for (const table of TABLES) await copyTable(table)
  }
}

async function copyTable(table: string): Promise<void> {
  const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all()
  const inserts = results.map((row) => {
    const places = Object.keys(row).map(() => '?')
    return env.SESSIONS_EU.prepare(
      `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`,
    ).bind(...Object.values(row))
  })
  await env.SESSIONS_EU.batch([env.SESSIONS_EU.prepare(`DELETE FROM ${table}`), ...inserts])
}
