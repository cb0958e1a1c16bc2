import type { SqlDatabase, SqlResult, SqlStatement } from '../storage/sql_database.ts'
import type { ObjectAnswer, ObjectBatch, ObjectValue } from './object_tables_store.ts'

/** The statements of one session object. `values` are those of `?1`, `?2` and so on. */
class ObjectStatement implements SqlStatement {
  readonly sql: string
  readonly values: ObjectValue[]
  readonly #db: ObjectDatabase

  constructor(db: ObjectDatabase, sql: string, values: ObjectValue[] = []) {
    this.#db = db
    this.sql = sql
    this.values = values
  }

  bind(...values: unknown[]): ObjectStatement {
    return new ObjectStatement(this.#db, this.sql, values.map(requireValue))
  }

  async first(): Promise<unknown> {
    const { results } = await this.run()
    return results[0] ?? null
  }

  async run(): Promise<SqlResult> {
    const [result] = await this.#db.batch([this])
    if (result === undefined) throw new Error('the session object gave no result')
    return result
  }

  all(): Promise<SqlResult> {
    return this.run()
  }
}

/** @throws TypeError, as D1 does, for a value that SQLite has no type for */
function requireValue(value: unknown): ObjectValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  throw new TypeError(`a statement cannot bind a value of the type ${typeof value}`)
}

/** A session object, or its stub in another isolate. */
interface StatementRunner {
  run(batch: ObjectBatch): Promise<ObjectAnswer>
}

/** The database of one session object, with the interface of D1. A batch is one call to the object. */
export class ObjectDatabase implements SqlDatabase {
  readonly #object: StatementRunner

  constructor(object: StatementRunner) {
    this.#object = object
  }

  prepare(sql: string): ObjectStatement {
    return new ObjectStatement(this, sql)
  }

  async batch(statements: ObjectStatement[]): Promise<SqlResult[]> {
    const parts = statements.map(({ sql, values }) => ({ sql, values }))
    const { results } = await this.#object.run({ statements: parts })
    return results
  }
}
