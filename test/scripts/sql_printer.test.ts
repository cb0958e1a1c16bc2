import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { formatLiteral, sqlPrinter } from '../../scripts/sql_printer.ts'

describe('printed SQL', () => {
  it.each(['plain', "O'Neil'; DROP TABLE users; --", '?', 'two\nlines', 'ü🔑', ''])(
    'printed SQL contains a value unchanged: %j',
    (value) => {
      const database = new DatabaseSync(':memory:')
      expect(database.prepare(`SELECT ${formatLiteral(value)} AS value`).get()).toEqual({ value })
    },
  )

  it('a printed statement has the value of each numbered parameter, also of a repeated one', async () => {
    const lines: string[] = []
    const statement = sqlPrinter((line) => lines.push(line)).prepare('SELECT ?2, ?, ?1, ?2')
    await statement.bind('a', 'b', 'c').run()
    expect(lines).toEqual(["SELECT 'b', 'c', 'a', 'b';"])
  })

  it('printed SQL has each value in place of its question mark', async () => {
    const lines: string[] = []
    const printer = sqlPrinter((line) => lines.push(line))
    await printer.prepare('INSERT INTO t (a, b, c)\n  VALUES (?, ?, ?)').bind('what?', 7, null).run()
    expect(lines).toEqual(["INSERT INTO t (a, b, c) VALUES ('what?', 7, NULL);"])
  })

  it.each([undefined, {}, 'a\0b'])('printed SQL refuses an unsupported value: %j', (value) => {
    expect(() => formatLiteral(value)).toThrow(TypeError)
  })
})
