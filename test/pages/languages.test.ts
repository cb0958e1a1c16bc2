import { describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../src/lib/language.ts'
import { describeWait } from '../../src/pages/languages/describe_wait.ts'
import { TEXTS } from '../../src/pages/languages/texts.ts'

/** Every text of a table by its path, with "{1}" and "{2}" for the values in it. */
function textsOf(table: object, path = ''): [path: string, text: string][] {
  return Object.entries(table).flatMap(([name, value]): [string, string][] => {
    if (typeof value === 'object') return textsOf(value, `${path}${name}.`)
    return [[path + name, typeof value === 'function' ? value('{1}', '{2}') : value]]
  })
}

/** The values in each text of a table, by its path. Another language can have them in another order. */
function valuesOf(table: object): Record<string, string[]> {
  return Object.fromEntries(
    textsOf(table).map(([path, text]) => [path, (text.match(/\{\d\}/g) ?? []).sort()]),
  )
}

const TRANSLATIONS = LANGUAGES.filter((language) => language !== 'en')
// A straight quote, three full stops, or a space that lets a line begin with a punctuation mark.
const TYPEWRITER = /['"]|\.\.\.| [?!:;»]|« /

describe('the languages of the pages', () => {
  it.each([
    ['en', 'in 1 second', 'in 30 seconds', 'in 2 minutes'],
    ['de', 'in 1 Sekunde', 'in 30 Sekunden', 'in 2 Minuten'],
    ['fr', 'dans 1 seconde', 'dans 30 secondes', 'dans 2 minutes'],
    ['es', 'dentro de 1 segundo', 'dentro de 30 segundos', 'dentro de 2 minutos'],
    ['nl', 'over 1 seconde', 'over 30 seconden', 'over 2 minuten'],
    ['it', 'tra 1 secondo', 'tra 30 secondi', 'tra 2 minuti'],
    ['pl', 'za 1 sekundę', 'za 30 sekund', 'za 2 minuty'],
    ['uk', 'через 1 секунду', 'через 30 секунд', 'через 2 хвилини'],
  ] as const)('a time to wait is in words of the language %s', (language, ...expected) => {
    expect([1, 30, 100].map((seconds) => describeWait(seconds, language))).toEqual(expected)
  })

  it.each(TRANSLATIONS)(
    'the texts in the language %s are translated, without a text that is left empty',
    (language) => {
      const english = new Map(textsOf(TEXTS.en))
      const texts = textsOf(TEXTS[language])
      expect(texts.filter(([, text]) => text.trim() === '')).toEqual([])
      const same = texts.filter(([path, text]) => text === english.get(path)).map(([path]) => path)
      // Words that languages share, such as "Privacy" in Dutch and "Error" in Spanish.
      const shared = [
        'signIn.password',
        'accountPage.sections.password',
        'accountPage.sections.passkeys',
        'links.privacy',
        'errors.number',
      ]
      expect(same.filter((path) => !shared.includes(path))).toEqual([])
    },
  )

  it.each(TRANSLATIONS)('the texts in the language %s have the values of the English texts', (language) => {
    expect(valuesOf(TEXTS[language])).toEqual(valuesOf(TEXTS.en))
  })

  it.each(LANGUAGES)('the texts in the language %s have typographic quotes and spaces', (language) => {
    expect(textsOf(TEXTS[language]).filter(([, text]) => TYPEWRITER.test(text))).toEqual([])
  })
})
