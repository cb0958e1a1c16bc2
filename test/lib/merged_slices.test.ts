import { describe, expect, it } from 'vitest'
import { mergeSlices, sumTotals } from '../../src/lib/list_page.ts'

const PAGE = { sort: 'name', isDescending: false, isBackwards: false, from: null, limit: 3 }
const sliceOf = (rows: string[], hasMore = false) => ({ rows, hasMore })
const placeOf = (row: string) => [row]

describe('a page of several stores', () => {
  it('the rows have the order of UTF-8, as in SQLite, and not that of UTF-16', () => {
    const rows = ['\u{1d4d0}', 'b', '\uff5e', 'ba', 'a']
    const [first, ...others] = rows
    const merged = mergeSlices([sliceOf([first ?? '']), sliceOf(others)], { ...PAGE, limit: 9 }, placeOf)
    const encoder = new TextEncoder()
    const hex = (text: string) => [...encoder.encode(text)].map((byte) => byte.toString(16)).join('')
    expect(merged.rows).toEqual(rows.toSorted((a, b) => (hex(a) < hex(b) ? -1 : 1)))
    expect(merged.rows).toEqual(['a', 'b', 'ba', '\uff5e', '\u{1d4d0}'])
  })

  it('a page forwards has the first rows, and a page backwards the last ones', () => {
    const slices = [sliceOf(['a', 'd', 'e']), sliceOf(['b', 'c', 'f'])]
    expect(mergeSlices(slices, PAGE, placeOf)).toEqual({ rows: ['a', 'b', 'c'], hasMore: true })
    expect(mergeSlices(slices, { ...PAGE, isBackwards: true }, placeOf)).toEqual({
      rows: ['d', 'e', 'f'],
      hasMore: true,
    })
    const falling = [sliceOf(['e', 'a']), sliceOf(['c'])]
    expect(mergeSlices(falling, { ...PAGE, isDescending: true }, placeOf)).toEqual({
      rows: ['e', 'c', 'a'],
      hasMore: false,
    })
    expect(mergeSlices([sliceOf(['a'], true), sliceOf([])], PAGE, placeOf).hasMore).toBe(true)
  })

  it('numbers have the order of their values', () => {
    const slices = [sliceOf(['10']), sliceOf(['9'])]
    expect(mergeSlices(slices, PAGE, (row) => [Number(row), row]).rows).toEqual(['9', '10'])
  })

  it('the total is the sum, and exact if each part is exact and the sum is small', () => {
    expect(
      sumTotals([
        { total: 3, isExact: true },
        { total: 4, isExact: true },
      ]),
    ).toEqual({ total: 7, isExact: true })
    expect(
      sumTotals([
        { total: 3, isExact: true },
        { total: 10_000, isExact: true },
      ]),
    ).toEqual({
      total: 10_000,
      isExact: false,
    })
    expect(
      sumTotals([
        { total: 3, isExact: false },
        { total: 4, isExact: true },
      ]),
    ).toEqual({ total: 7, isExact: false })
  })
})
