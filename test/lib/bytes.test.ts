import { describe, expect, it } from 'vitest'
import {
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  equalInConstantTime,
  randomId,
  sha256,
} from '../../src/lib/bytes.ts'

const bytes = (...values: number[]) => new Uint8Array(values)
const hex = (data: Uint8Array) => [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('')

describe('UTF-8', () => {
  it('every text survives encoding, and the length is in bytes', () => {
    for (const text of ['', 'a', 'é', '\0', '🔑', 'a\r\nb']) {
      expect(decodeUtf8(encodeUtf8(text))).toBe(text)
    }
    expect(encodeUtf8('é🔑')).toEqual(bytes(0xc3, 0xa9, 0xf0, 0x9f, 0x94, 0x91))
  })

  it('decoding removes the byte order mark', () => {
    expect(decodeUtf8(bytes(0xef, 0xbb, 0xbf, 0x61))).toBe('a')
  })

  it.each([
    ['a stray byte', bytes(0xff)],
    ['half a character', bytes(0xc3)],
    ['an overlong form', bytes(0xc0, 0x80)],
    ['a surrogate', bytes(0xed, 0xa0, 0x80)],
  ])('the decoder refuses invalid UTF-8: %s', (_case, data) => {
    expect(decodeUtf8(data)).toBe(null)
  })
})

describe('base64', () => {
  // RFC 4648 §10.
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('base64 encodes %j as %j, and decodes it with or without padding', (text, encoded) => {
    expect(encodeBase64(encodeUtf8(text))).toBe(encoded)
    const padded = encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=')
    for (const form of [encoded, padded]) expect(decodeBase64(form)).toEqual(encodeUtf8(text))
  })

  it('base64 uses the standard alphabet', () => {
    expect(encodeBase64(bytes(0xfb, 0xff))).toBe('+/8')
    expect(decodeBase64('+/8')).toEqual(bytes(0xfb, 0xff))
  })

  it.each([['!'], ['A'], ['AAAAA'], ['-_8'], ['Zg='], ['Zg==='], ['=Zg='], ['é']])(
    'decoding refuses %j',
    (text) => {
      expect(decodeBase64(text)).toBe(null)
    },
  )
})

describe('SHA-256', () => {
  // FIPS 180-2, appendix B.1, and the empty text.
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('of %j is the published one', async (text, digest) => {
    expect(hex(await sha256(text))).toBe(digest)
  })
})

describe('random ids', () => {
  it('random ids are base64url of a number of bytes and never repeat', () => {
    expect(randomId(16)).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(randomId(32)).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(new Set(Array.from({ length: 1000 }, () => randomId(16))).size).toBe(1000)
  })
})

describe('comparison in constant time', () => {
  it.each([
    ['the same bytes', bytes(1, 2, 3), bytes(1, 2, 3), true],
    ['nothing and nothing', bytes(), bytes(), true],
    ['another first byte', bytes(0, 2, 3), bytes(1, 2, 3), false],
    ['another last byte', bytes(1, 2, 3), bytes(1, 2, 0), false],
    ['differences that would cancel out', bytes(1, 2), bytes(2, 1), false],
    ['a beginning', bytes(1, 2), bytes(1, 2, 3), false],
    ['a longer one', bytes(1, 2, 3), bytes(1, 2), false],
    ['zeros of another number', bytes(0), bytes(0, 0), false],
    ['something and nothing', bytes(0), bytes(), false],
    ['nothing and something', bytes(), bytes(0), false],
  ])('the comparison in constant time distinguishes %s', (_case, a, b, equal) => {
    expect(equalInConstantTime(a, b)).toBe(equal)
  })
})
