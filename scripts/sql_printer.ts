/** A database that prints its statements with their values and does not run them. @param write Prints a line; by default to stdout. */
export function sqlPrinter(write: (line: string) => void = console.log): D1Database {
  const print = (statements: PrintedStatement[]) => {
    for (const statement of statements) write(`${statement.text};`)
    return Promise.resolve(statements.map(() => ({ results: [] })))
  }
  const database = {
    prepare: (sql: string) => new PrintedStatement(sql, print),
    batch: print,
  }
  return database as unknown as D1Database
}

class PrintedStatement {
  readonly text: string
  readonly #print: (statements: PrintedStatement[]) => Promise<unknown>

  constructor(text: string, print: (statements: PrintedStatement[]) => Promise<unknown>) {
    this.text = text.replace(/\s+/g, ' ').trim()
    this.#print = print
  }

  bind(...values: unknown[]): PrintedStatement {
    const rest = [...values]
    return new PrintedStatement(
      this.text.replace(/\?/g, () => formatLiteral(rest.shift())),
      this.#print,
    )
  }

  run(): Promise<unknown> {
    return this.#print([this])
  }
}

/** A value as an SQL literal: quotes doubled, nothing else is special in SQLite. */
export function formatLiteral(value: unknown): string {
  if (value === null) return 'NULL'
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string' || value.includes('\0')) throw new TypeError('not a value for SQL')
  return `'${value.replaceAll("'", "''")}'`
}
