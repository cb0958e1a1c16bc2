import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'

const COLUMNS = `SELECT tables.name || '.' || columns.name AS name, tables.name AS of_table,
    columns."notnull" = 1 AND columns.dflt_value IS NULL AND columns.pk = 0 AS is_required
  FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'`

interface Column {
  name: string
  of_table: string
  is_required: number
}

/** The differences of one migration that the version of the Worker before it does not know. */
function findBreaks(before: readonly Column[], after: readonly Column[]): string[] {
  const names = new Set(after.map(({ name }) => name))
  const known = new Set(before.map(({ name }) => name))
  const tables = new Set(before.map(({ of_table }) => of_table))
  const removed = before.filter(({ name }) => !names.has(name)).map(({ name }) => `removes ${name}`)
  const required = after
    .filter((column) => column.is_required && tables.has(column.of_table) && !known.has(column.name))
    .map(({ name }) => `requires a value of ${name}`)
  return [...removed, ...required]
}

describe('the migrations', () => {
  it('no migration removes a column or requires a new one, so that the version of the Worker before it keeps running', () => {
    const database = new DatabaseSync(':memory:')
    const readColumns = () => database.prepare(COLUMNS).all() as unknown as Column[]
    const files = readdirSync('migrations').sort()
    const breaks = files.flatMap((file) => {
      const before = readColumns()
      database.exec(readFileSync(`migrations/${file}`, 'utf8'))
      return findBreaks(before, readColumns()).map((problem) => `${file} ${problem}`)
    })
    expect(files.length).toBeGreaterThan(10)
    expect(breaks).toEqual([])
  })
})
