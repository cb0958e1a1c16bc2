import fc from 'fast-check'

/** The canary: fuzzed requests contain this text, so that checks find it in responses and logs. */
export const CANARY = 'zq7canary'

/** Texts that are known to break parsers or stores. */
const TRAPS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'a\udc00b',
  '\ufeff',
  '\u202e',
  '\u2028',
  'İ',
  'ﬃ',
  'ς',
  '%',
  '%00',
  '%zz',
  '+',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '0',
  '-1',
  '1e999',
  'true',
  '[]',
  '{}',
  "' OR 1=1 --",
  '"; DROP TABLE users; --',
  '../../etc/passwd',
  '{{7*7}}',
  '<script>',
  '\r\nSet-Cookie: a=b',
  'guest',
  'password',
  'Basic Og==',
  'a:b',
  '$argon2id$v=19$m=1,t=1,p=1$AA$AA',
  'visitor:x',
  's1.',
  's1.x',
  'x',
]

const surrogates = fc
  .array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { minLength: 1, maxLength: 12 })
  .map((units) => String.fromCharCode(...units))

const longText = fc
  .tuple(fc.constantFrom('a', 'ß', '\u{1f600}', '"', '\\', '\ud800', 'ﷺ'), fc.nat({ max: 5000 }))
  .map(([unit, count]) => unit.repeat(count))

const anyText = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TRAPS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 40 }) },
  { weight: 1, arbitrary: surrogates },
  { weight: 1, arbitrary: longText },
)

/** Any text. Most texts contain the canary. */
export const wildText: fc.Arbitrary<string> = fc
  .tuple(anyText, fc.constantFrom('before', 'after', 'nowhere'))
  .map(([text, place]) => {
    if (place === 'nowhere') return text
    return place === 'before' ? CANARY + text : text + CANARY
  })

/** Texts that a header can carry without a warning of the runtime: printable ASCII. */
export const wildHeaderValue: fc.Arbitrary<string> = fc.oneof(
  wildText.map(toHeaderValue),
  fc.nat({ max: 9000 }).map((length) => CANARY + 'h'.repeat(length)),
)

/** Any JSON value, with random texts as strings and names. */
export const wildJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: wildText },
  {
    weight: 1,
    arbitrary: fc.constantFrom(null, true, false, 0, -0, -1, 1.5, 2 ** 53, 1e308, [], {}, ['a'], { a: 'b' }),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(wildText, wildText, { maxKeys: 3 }) },
)

/** `levels` nested arrays or objects. */
export function nested(levels: number, [open, close]: readonly [string, string]): string {
  return `${open.repeat(levels)}1${close.repeat(levels)}`
}

export function toHeaderValue(text: string): string {
  return [...text].map((character) => (/[\x20-\x7e]/.test(character) ? character : '?')).join('')
}

/** Standard base64 of a text's UTF-8. */
export function toBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}
