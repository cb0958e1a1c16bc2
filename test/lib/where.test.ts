import { describe, expect, it } from 'vitest'
import { where } from '../../src/lib/where.ts'

describe('where', () => {
  it('where() joins the conditions that have values and keeps the order of the values', () => {
    const clause = where([
      ['api = ?', 'storefront'],
      ['(at, id) < (?, ?)', [1700000000, 7]],
      ['actor IS NULL', []],
    ])
    expect(clause).toEqual({
      sql: 'WHERE api = ? AND (at, id) < (?, ?) AND actor IS NULL',
      values: ['storefront', 1700000000, 7],
    })
  })

  it('where() leaves out a condition whose value is null or absent', () => {
    const clause = where([
      ['api = ?', null],
      ['kind = ?', undefined],
      ['id = ?', 'user:a'],
    ])
    expect(clause).toEqual({ sql: 'WHERE id = ?', values: ['user:a'] })
  })

  it('where() uses false, zero and an empty text as values', () => {
    const clause = where([
      ['enabled = ?', false],
      ['at >= ?', 0],
      ['name = ?', ''],
    ])
    expect(clause).toEqual({ sql: 'WHERE enabled = ? AND at >= ? AND name = ?', values: [0, 0, ''] })
  })

  it('where() is empty if no condition has values', () => {
    expect(where([['id = ?', null]])).toEqual({ sql: '', values: [] })
  })
})
