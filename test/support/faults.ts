import { env } from 'cloudflare:workers'
import { isDeferredWrite } from './around_d1.ts'

const unreachable = () => Promise.reject(new Error('the store is down'))

const deadStatement = { first: unreachable, run: unreachable, all: unreachable, raw: unreachable }

/** A D1 database that no call reaches: statements are made as ever, and none runs. */
export const D1_DOWN = {
  prepare: () => ({ ...deadStatement, bind: () => deadStatement }),
  batch: unreachable,
  exec: unreachable,
  withSession: () => D1_DOWN,
} as unknown as D1Database

/** A KV namespace that no call reaches. */
export const KV_DOWN = new Proxy(env.KV, { get: () => unreachable })

/** D1 with a list of the statements that were prepared, but those that are written after the answer. */
export function countingD1(): { db: D1Database; statements: string[] } {
  const statements: string[] = []
  const record =
    (target: D1Database | D1DatabaseSession) =>
    (sql: string): D1PreparedStatement => {
      if (!isDeferredWrite(sql)) statements.push(sql)
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

/** Stores that a test switches off and on again. */
export function switchable() {
  const stores = { up: true, env: { DB: through(env.DB, D1_DOWN), KV: through(env.KV, KV_DOWN) } }
  function through<T extends object>(whenUp: T, whenDown: T): T {
    return new Proxy(whenUp, {
      get(_target, property) {
        const store = stores.up ? whenUp : whenDown
        const member = Reflect.get(store, property)
        return typeof member === 'function' ? member.bind(store) : member
      },
    })
  }
  return stores
}
