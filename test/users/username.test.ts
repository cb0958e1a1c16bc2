import { findUsernameProblem, foldUsername, normalizeUsername } from '@sallyport/formats/username'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findUsernameWarnings } from '../../src/users/username_warnings.ts'

/** The former rule for stored usernames, from before RFC 8265. */
function formerForm(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ').normalize('NFKC').trim()
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.string({ unit: fc.constantFrom(...'aAéßςΣİK １Ａ\u3000\u0301ｶﾞ@.+אب٣۳'), maxLength: 12 }),
)

describe('a username', () => {
  it.each([
    ['unchanged, as an e-mail address with a tag', 'jane+shop@example.com', 'jane+shop@example.com'],
    ['unchanged, with every visible sign of ASCII', "!#$%&'*+-/=?^_`{|}~.@x", "!#$%&'*+-/=?^_`{|}~.@x"],
    ['unchanged, as a telephone number', '+49301234567', '+49301234567'],
    ['with the spaces between its parts', 'jane van dyk', 'jane van dyk'],
    ['without the spaces around it', '  jane ', 'jane'],
    ['in lower case', 'Zoe@Example.COM', 'zoe@example.com'],
    ['in lower case of every script', 'ΖΩΉ ЗОЯ', 'ζωή зоя'],
    ['with one sigma, final or not', 'ΝΊΚΟΣ', 'νίκοσ'],
    ['with a sharp s', 'Straẞe', 'straße'],
    ['composed', 'Zoe\u0308', 'zo\u00eb'],
    ['in ordinary width', 'ＪＡＮＥ＠example．com', 'jane@example.com'],
    ['in ordinary width, with a wide space', 'jane\u3000dyk', 'jane dyk'],
    ['in ordinary width, of halfwidth kana with a voicing mark', 'ｶﾞ', 'ガ'],
    ['as the canonical equivalent of a letter sign', '\u212a\u212b', 'kå'],
    ['with Hangul that came as conjoining letters', '한'.normalize('NFD'), '한'],
    ['with a middle dot between two l', 'gal·la', 'gal·la'],
    ['from right to left', 'דוד3', 'דוד3'],
    ['from right to left before a domain from left to right', 'דוד@example.com', 'דוד@example.com'],
  ])('a username is stored and compared %s (RFC 8265 §3.3)', (_case, text, normalized) => {
    expect([findUsernameProblem(text), normalizeUsername(text)]).toEqual([null, normalized])
  })

  it.each([
    ['zero width space', '\u200b'],
    ['left-to-right mark', '\u200e'],
    ['right-to-left mark', '\u200f'],
    ['left-to-right embedding', '\u202a'],
    ['right-to-left override', '\u202e'],
    ['word joiner', '\u2060'],
    ['first strong isolate', '\u2068'],
    ['soft hyphen', '\u00ad'],
    ['byte order mark', '\ufeff'],
    ['zero width joiner', '\u200d'],
    ['zero width non-joiner', '\u200c'],
    ['combining grapheme joiner', '\u034f'],
    ['variation selector', '\ufe0f'],
    ['supplementary variation selector', '\u{e0100}'],
    ['tag letter', '\u{e0061}'],
    ['Hangul filler', '\u3164'],
    ['halfwidth Hangul filler', '\uffa0'],
    ['Mongolian vowel separator', '\u180e'],
  ])(
    'a username is refused with an invisible character at its beginning, inside and at its end: %s',
    (_case, invisible) => {
      for (const text of [`${invisible}jane`, `ja${invisible}ne`, `jane${invisible}`, invisible]) {
        expect(findUsernameProblem(text)).toMatch(/^has the invisible character U\+[0-9A-F]{4,5}$/)
        expect(normalizeUsername(text)).toBe(null)
      }
    },
  )

  it.each([
    ['is empty', ''],
    ['is empty', '   '],
    ['is empty', '\u3000'],
    ['has more than 255 characters', 'x'.repeat(256)],
    ['has more than 255 characters', 'x'.repeat(100_000)],
    ['has the character U+0000, which is not allowed', 'zoe\0'],
    ['has the character U+000A, which is not allowed', 'zoe\n'],
    ['has the character U+D800, which is not allowed', 'zoe\ud800'],
    ['has the character U+DD11, which is not allowed', '\udd11\ud83d'],
    ['has the character U+00A0, which is not allowed', 'jane\u00a0dyk'],
    ['has the character U+2010, which is not allowed', 'jane\u2010dyk'],
    ['has the character U+2019, which is not allowed', 'o’brien'],
    ['has the character U+265A, which is not allowed', '\u265a'],
    ['has the character U+E000, which is not allowed', '\ue000'],
    ['has the character U+0378, which is not allowed', '\u0378'],
    ['has the character U+1100, which is not allowed', '\u1100'],
    ['has U+FB01, a compatibility form of another character', 'ﬁ'],
    ['has U+1D5F7, a compatibility form of another character', '𝗷ane'],
    ['has a character that is allowed only next to certain others', 'jane·dyk'],
    ['has a character that is allowed only next to certain others', 'a・b'],
    ['has a character that is allowed only next to certain others', 'א٣۳'],
    ['mixes directions of writing', 'janeדוד'],
    ['mixes directions of writing', '3דוד'],
    ['mixes directions of writing', 'דוד-'],
    ['mixes directions of writing', 'ا٣3'],
  ])('a username is refused if it %s: %j', (problem, text) => {
    expect([findUsernameProblem(text), normalizeUsername(text)]).toEqual([problem, null])
  })

  it('a username has up to 255 characters', () => {
    expect(normalizeUsername('x'.repeat(255))).toBe('x'.repeat(255))
  })

  it('a username stays unchanged if it is normalised again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const normalized = normalizeUsername(text)
        if (normalized !== null) expect(normalizeUsername(normalized)).toBe(normalized)
        expect(foldUsername(foldUsername(text))).toBe(foldUsername(text))
      }),
    )
  })

  it('a username that the former rule stored stays or is reported, and never becomes the username of another user', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const stored = formerForm(text)
        expect([stored, null]).toContain(normalizeUsername(stored))
        expect(findUsernameWarnings(stored).join().includes('cannot sign in')).toBe(
          normalizeUsername(stored) === null,
        )
      }),
    )
  })

  it('a username begins with the form of its beginning, so that a search finds it', () => {
    for (const name of ['ΝΊΚΟΣ ΣΟΦΌΣ', 'ＪＡＮＥ.dyk', 'İstanbul'])
      for (let length = 1; length <= name.length; length++)
        expect(foldUsername(name).startsWith(foldUsername(name.slice(0, length)))).toBe(true)
  })
})

describe('the warnings about a stored username', () => {
  it.each([
    ['jane+shop@example.com', []],
    ['o’brien', ['cannot sign in: the name has the character U+2019, which is not allowed']],
    ['ja\u200bne', ['cannot sign in: the name has the invisible character U+200B']],
    ['j\u0430ne@example.com', ['mixes Latin and Cyrillic letters']],
    ['jane@ex\u0430mple.com', ['mixes Latin and Cyrillic letters']],
    ['\u03bfrders', ['mixes Greek and Latin letters']],
    ['\u0430\u0441\u0435@example.com', ['has only Cyrillic letters, which look like Latin letters']],
    ['иван@example.com', []],
    ['νίκοσ@example.com', []],
    ['田中tanaka', []],
    ['さとう・ケーキ', []],
    ['한국', []],
    ['zoë123', []],
  ])('the warnings about a stored username report only confusable usernames: %s', (username, warnings) => {
    expect(findUsernameWarnings(username)).toEqual(warnings)
  })
})
