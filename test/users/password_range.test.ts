import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/lib/bytes.ts'
import { isInRange, rangeOf } from '../../src/users/breaches/password_range.ts'

/** The suffix of a SHA-1, and other suffixes. */
const SUFFIX = '1E4C9B93F3F0682250B6CF8331B7EE68FD8'
const OTHER = '0018A45C4D1DEF81644B54AB7F969B88D65'

describe('the range of a password', () => {
  it('the range of a password is its SHA-1, split after five characters', async () => {
    // The hash of `password`: 5BAA6 1E4C9B93…
    expect(await rangeOf(encodeUtf8('password'))).toEqual({ prefix: '5BAA6', suffix: SUFFIX })
  })

  it('the range of a password contains the leading zeros of each byte', async () => {
    const ranges = await Promise.all(
      Array.from({ length: 100 }, (_, i) => rangeOf(encodeUtf8(`password ${i}`))),
    )
    for (const { prefix, suffix } of ranges) {
      expect(prefix).toMatch(/^[0-9A-F]{5}$/)
      expect(suffix).toMatch(/^[0-9A-F]{35}$/)
    }
  })
})

describe('the lines of a range', () => {
  it.each([
    ['has the suffix', `${OTHER}:2\r\n${SUFFIX}:9545824`],
    ['has the suffix in lower case', `${OTHER}:2\r\n${SUFFIX.toLowerCase()}:1`],
    ['has the suffix, with the line ends of Unix', `${SUFFIX}:1\n${OTHER}:2\n`],
    ['has the suffix and padding with the same suffix', `${SUFFIX}:0\r\n${SUFFIX}:1`],
  ])('the lines of a range match a password if the range %s', (_case, lines) => {
    expect(isInRange(lines, SUFFIX)).toBe(true)
  })

  it.each([
    ['has only other suffixes', `${OTHER}:2`],
    ['has the suffix only as padding', `${OTHER}:2\r\n${SUFFIX}:0`],
    ['is empty', ''],
  ])('the lines of a range do not match a password if the range %s', (_case, lines) => {
    expect(isInRange(lines, SUFFIX)).toBe(false)
  })

  it.each([
    ['a page', '<!doctype html><title>Welcome</title>'],
    ['JSON', '{"error":"slow down"}'],
    ['a line without a count', `${SUFFIX}:1\r\n${OTHER}`],
    ['an incomplete line', `${SUFFIX}:1\r\n${OTHER.slice(0, 20)}`],
    ['whole hashes', `5BAA6${SUFFIX}:1`],
    ['a count below zero', `${SUFFIX}:-1`],
  ])('the lines of a range are not a range if they are %s', (_case, lines) => {
    expect(isInRange(lines, SUFFIX)).toBe(null)
  })
})
