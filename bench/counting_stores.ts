/**
 * Wraps each call to D1: a statement or a batch.
 *
 * @param call Makes the call. Returns the result of each statement, with the metadata of D1.
 */
export type AroundD1 = (sql: readonly string[], call: () => Promise<D1Result[]>) => Promise<D1Result[]>
export type AroundKv = <T>(kind: 'read' | 'write', call: () => Promise<T>) => Promise<T>

interface Original {
  statement: D1PreparedStatement
  sql: string
}

const KV_CALLS: ReadonlyMap<string | symbol, 'read' | 'write'> = new Map([
  ['get', 'read'],
  ['getWithMetadata', 'read'],
  ['list', 'read'],
  ['put', 'write'],
  ['delete', 'write'],
])

/** A statement is text and values, so that another database can run it in a batch. */
const originals = new WeakMap<D1PreparedStatement, Original>()

/** The database with a wrapper around each statement and each batch. */
export function aroundD1(database: D1Database, around: AroundD1): D1Database {
  function wrapStatement(original: Original): D1PreparedStatement {
    const { statement, sql } = original
    const run = async () => (await around([sql], async () => [await statement.all()]))[0]
    const calls: Record<string | symbol, unknown> = {
      bind: (...values: unknown[]) => wrapStatement({ statement: statement.bind(...values), sql }),
      run,
      all: run,
      // first() of D1 returns a row without metadata.
      first: async () => (await run())?.results[0] ?? null,
    }
    const wrapped = new Proxy(statement, {
      get(_, property) {
        if (!(property in calls)) throw new Error(`${String(property)} of a statement is not counted`)
        return calls[property]
      },
    })
    originals.set(wrapped, original)
    return wrapped
  }

  function runBatch(target: D1Database | D1DatabaseSession, wrapped: D1PreparedStatement[]) {
    const parts = wrapped.map((statement) => originals.get(statement) ?? notCounted())
    const statements = parts.map((part) => part.statement)
    return around(
      parts.map((part) => part.sql),
      () => target.batch(statements),
    )
  }

  function wrapDatabase<T extends D1Database | D1DatabaseSession>(target: T): T {
    return new Proxy(target, {
      get(_, property) {
        if (property === 'prepare') {
          return (sql: string) => wrapStatement({ statement: target.prepare(sql), sql })
        }
        if (property === 'batch') return (wrapped: D1PreparedStatement[]) => runBatch(target, wrapped)
        const member = Reflect.get<object, PropertyKey>(target, property).bind(target)
        if (property !== 'withSession') return member
        return (constraint: D1SessionConstraint) => wrapDatabase(member(constraint))
      },
    })
  }

  return wrapDatabase(database)
}

function notCounted(): never {
  throw new Error('a statement of a batch is not counted')
}

/** The namespace with a wrapper around each call. */
export function aroundKv(namespace: KVNamespace, around: AroundKv): KVNamespace {
  return new Proxy(namespace, {
    get(target, property) {
      const member = Reflect.get(target, property).bind(target)
      const kind = KV_CALLS.get(property)
      if (kind === undefined) return member
      return (...parameters: unknown[]) => around(kind, () => member(...parameters))
    },
  })
}
