import { env } from 'cloudflare:workers'

function unreachable(): never {
  throw new Error('the store is down')
}

/** A D1 database that no call reaches. */
export const D1_DOWN = {
  prepare: unreachable,
  batch: unreachable,
  exec: unreachable,
  withSession: unreachable,
  dump: unreachable,
} as D1Database

/** A KV namespace that no call reaches. */
export const KV_DOWN = new Proxy(env.KV, { get: () => () => Promise.reject(new Error('the store is down')) })

/** D1 with a count of the statements that were prepared. */
export function countingD1(): { db: D1Database; statements: string[] } {
  const statements: string[] = []
  const record =
    (target: D1Database | D1DatabaseSession) =>
    (sql: string): D1PreparedStatement => {
      statements.push(sql)
      return target.prepare(sql)
    }
  const db = new Proxy(env.DB, {
    get(target, property) {
      if (property === 'prepare') return record(target)
      if (property === 'withSession') {
        return (constraint: D1SessionConstraint) => ({ prepare: record(target.withSession(constraint)) })
      }
      return Reflect.get(target, property).bind(target)
    },
  })
  return { db, statements }
}
