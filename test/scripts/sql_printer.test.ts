import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { formatLiteral, sqlPrinter } from '../../scripts/sql_printer.ts'

describe('printed SQL', () => {
  it.each(['plain', "O'Neil'; DROP TABLE users; --", '?', 'two\nlines', 'ü🔑', ''])(
    'printed SQL contains a value unchanged: %j',
    (value) => {
      const database = new DatabaseSync(':memory:')
      expect(database.prepare(`SELECT ${formatLiteral(value)} AS value`).get()).toEqual({ value })
    },
  )

  it('printed SQL has each value in place of its question mark', async () => {
    const lines = vi.spyOn(console, 'log').mockImplementation(() => {})
    await sqlPrinter().prepare('INSERT INTO t (a, b, c)\n  VALUES (?, ?, ?)').bind('what?', 7, null).run()
    expect(lines.mock.calls).toEqual([["INSERT INTO t (a, b, c) VALUES ('what?', 7, NULL);"]])
    lines.mockRestore()
  })

  it.each([undefined, {}, 'a\0b'])('printed SQL refuses an unsupported value: %j', (value) => {
    expect(() => formatLiteral(value)).toThrow(TypeError)
  })
})
