import { writeOut } from './write_out.ts'

/** A database that prints statements with their values instead of running them. @param write The default is stdout. */
export function sqlPrinter(write: (line: string) => void = (line) => writeOut(1, line)): D1Database {
  const print = (statements: PrintedStatement[]) => {
    for (const statement of statements) write(`${statement.text};`)
    return Promise.resolve(statements.map(() => ({ results: [], meta: { changes: 0 } })))
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
    let last = 0
    const literalOf = (number: string) => {
      // A parameter without a number follows the largest one before it (SQLite, "Parameters").
      const position = number === '' ? last + 1 : Number(number)
      last = Math.max(last, position)
      return formatLiteral(values[position - 1])
    }
    return new PrintedStatement(
      this.text.replace(/\?(\d*)/g, (_, number: string) => literalOf(number)),
      this.#print,
    )
  }

  run(): Promise<unknown> {
    return this.#print([this])
  }
}

/** Formats a value as an SQL literal. In SQLite only quotes need an escape. */
export function formatLiteral(value: unknown): string {
  if (value === null) return 'NULL'
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string' || value.includes('\0')) throw new TypeError('not a value for SQL')
  return `'${value.replaceAll("'", "''")}'`
}
