import { env } from 'cloudflare:workers'

/**
 * Wraps one call that reaches D1.
 *
 * @param sql The statements of the call.
 * @param call Makes the call.
 * @param breakOff Makes a batch that fails after its first statement. Absent if the call is not a batch.
 */
export type AroundCall = <T>(
  sql: string,
  call: () => Promise<T>,
  breakOff?: () => Promise<unknown>,
) => Promise<T>

/** A statement that fails when it runs, not when it is prepared. */
export const FAILING = "SELECT json('no JSON')"

interface Original {
  statement: D1PreparedStatement
  sql: string
}

const STATEMENT_CALLS: ReadonlySet<string | symbol> = new Set(['first', 'run', 'all', 'raw'])

/** A statement is text and values, so that each database can run it in a batch. */
const originals = new WeakMap<D1PreparedStatement, Original>()

/** A D1 database whose calls are wrapped. A call is one statement or one batch. */
export function aroundD1(around: AroundCall, db: D1Database = env.DB): D1Database {
  function wrapStatement(original: Original): D1PreparedStatement {
    const { statement, sql } = original
    const wrapped = new Proxy(statement, {
      get(target, property) {
        if (property === 'bind') {
          return (...values: unknown[]) => wrapStatement({ statement: target.bind(...values), sql })
        }
        const member = boundMember(target, property)
        if (!STATEMENT_CALLS.has(property)) return member
        return (...parameters: unknown[]) => around(sql, () => member(...parameters))
      },
    })
    originals.set(wrapped, original)
    return wrapped
  }

  function unwrap(wrapped: D1PreparedStatement): Original {
    return originals.get(wrapped) ?? { statement: wrapped, sql: String(Reflect.get(wrapped, 'statement')) }
  }

  function batch(target: D1Database | D1DatabaseSession, wrapped: D1PreparedStatement[]) {
    const parts = wrapped.map(unwrap)
    const sql = parts.map((part) => part.sql).join(';\n')
    const [first, ...rest] = parts.map((part) => part.statement)
    if (first === undefined) throw new Error('an empty batch')
    return around(
      sql,
      () => target.batch([first, ...rest]),
      () => target.batch([first, target.prepare(FAILING), ...rest]),
    )
  }

  function wrapDatabase<T extends D1Database | D1DatabaseSession>(database: T): T {
    return new Proxy(database, {
      get(target, property) {
        if (property === 'prepare') {
          return (sql: string) => wrapStatement({ statement: target.prepare(sql), sql })
        }
        if (property === 'batch') return (wrapped: D1PreparedStatement[]) => batch(target, wrapped)
        const member = boundMember(target, property)
        if (property !== 'withSession') return member
        return (constraint: D1SessionConstraint) => wrapDatabase(member(constraint))
      },
    })
  }

  return wrapDatabase(db)
}

/** A method is bound to the target. A database that is not wrapped reads the text and the values of a wrapped statement. */
function boundMember(target: object, property: string | symbol) {
  const member = Reflect.get(target, property)
  return typeof member === 'function' ? member.bind(target) : member
}

/** Whether a call writes audit events. No response waits for such a call. */
export function isAuditWrite(sql: string): boolean {
  return /^\s*INSERT\s+INTO audit_events/.test(sql)
}

/** Whether no response waits for a call: audit events, the last use of a client, and sign-ins that a lock would end. */
export function isDeferredWrite(sql: string): boolean {
  return isAuditWrite(sql) || sql.includes('SET last_used_at') || sql.includes('failures, sign_ins')
}

/** Whether a response succeeds without a call: the call is deferred, or reads the list of changed records. */
export function isOptionalCall(sql: string): boolean {
  return isDeferredWrite(sql) || sql.includes('FROM copy_changes WHERE')
}
