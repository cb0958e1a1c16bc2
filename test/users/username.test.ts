import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeUsername } from '../../src/users/username.ts'

describe('a username', () => {
  it.each([
    ['as it is where there is nothing to change', 'zoe@example.com', 'zoe@example.com'],
    ['in lower case', 'Zoe@Example.COM', 'zoe@example.com'],
    ['composed', 'Zoe\u0308', 'zo\u00eb'],
    ['in lower case of every script', 'ΖΩΉ ЗОЯ', 'ζωή зоя'],
    ['without compatibility forms', 'ＺＯＥ①ﬁ', 'zoe1fi'],
    ['in lower case of what compatibility forms stand for', '\u212a\u2128', 'kz'],
    ['with its spaces and signs', 'zoe van-dyk_1+x', 'zoe van-dyk_1+x'],
  ])('is stored and compared %s', (_case, text, normalized) => {
    expect(normalizeUsername(text)).toBe(normalized)
  })

  it('stays as it is where it is normalised again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (text) => {
        const normalized = normalizeUsername(text)
        if (normalized !== null) expect(normalizeUsername(normalized)).toBe(normalized)
      }),
    )
  })

  it('has 255 characters at most', () => {
    expect(normalizeUsername('x'.repeat(255))).toBe('x'.repeat(255))
    expect(normalizeUsername('x'.repeat(256))).toBe(null)
  })

  it.each([
    ['empty', ''],
    ['with a NUL', 'zoe\0'],
    ['of a NUL alone', '\0'],
    ['with half a surrogate pair', 'zoe\ud800'],
    ['with the halves of a pair in the wrong order', '\udd11\ud83d'],
  ])('is nobody’s: %s', (_case, text) => {
    expect(normalizeUsername(text)).toBe(null)
  })
})
