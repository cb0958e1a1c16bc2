import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/lib/bytes.ts'
import { encodePassword, passwordForms } from '../../src/users/password.ts'

describe('the bytes of a password', () => {
  it.each([
    ['ASCII', 'correct horse', 'correct horse'],
    ['no change of case', 'CorRect', 'CorRect'],
    ['no change of spaces', '  a b ', '  a b '],
    ['a composed character', 'pa\u0302te', 'p\u00e2te'],
    ['compatibility forms', 'ﬁn①\u00a0ａ', 'fin1 a'],
    ['Hangul', '\u1112\u1161\u11ab', '\ud55c'],
    ['nothing', '', ''],
  ])('the bytes of a password are the UTF-8 of its NFKC form: %s', (_case, text, normalized) => {
    expect(encodePassword(text)).toEqual(encodeUtf8(normalized))
  })

  it.each([['x'], ['é'], ['🔑']])(
    'the bytes of a password exist for up to 128 characters: %s',
    (character) => {
      expect(encodePassword(character.repeat(128))).toEqual(encodeUtf8(character.repeat(128)))
      expect(encodePassword(character.repeat(129))).toBe(null)
    },
  )

  it('the bytes of a password are counted in their NFKC form, so that a device that writes accents apart can sign in', () => {
    const decomposed = 'e\u0301'.repeat(128)
    expect(encodePassword(decomposed)).toEqual(encodePassword('é'.repeat(128)))
    expect(encodePassword(`${decomposed}x`)).toBe(null)
  })

  it.each([
    ['a NUL at the end', 'password\0'],
    ['a NUL inside', 'pass\0word'],
    ['half a surrogate pair', 'password\ud83d'],
    ['the other half', '\udd11password'],
  ])('the bytes of a password are null for text that is not allowed as a password: %s', (_case, text) => {
    expect(encodePassword(text)).toBe(null)
  })
})

describe('the forms of a password', () => {
  it('the forms of a password are one form for text in NFKC', () => {
    expect(passwordForms('pâtisserie 1')).toEqual([encodeUtf8('pâtisserie 1')])
  })

  it.each([
    ['decomposed', 'pa\u0302te', 'p\u00e2te'],
    ['with compatibility forms', 'ﬁn①\u00a0ａ', 'fin1 a'],
  ])('the forms of a password are its NFKC form and the unchanged text: %s', (_case, text, normalized) => {
    expect(passwordForms(text)).toEqual([encodeUtf8(normalized), encodeUtf8(text)])
  })

  it.each([['x'.repeat(129)], ['pass\0'], ['pass\ud83d']])(
    'the forms of a password are null for text that is not allowed as a password: %j',
    (text) => {
      expect(passwordForms(text)).toBe(null)
    },
  )
})
