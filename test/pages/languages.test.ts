import { describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../src/lib/language.ts'
import { describeWait, TEXTS } from '../../src/pages/languages/texts.ts'

/** Every text of a table by its path, with "x" for each value in it. */
function textsOf(table: object, path = ''): [path: string, text: string][] {
  return Object.entries(table).flatMap(([name, value]): [string, string][] => {
    if (typeof value === 'object') return textsOf(value, `${path}${name}.`)
    return [[path + name, typeof value === 'function' ? value('x', 'x') : value]]
  })
}

describe('the languages of the pages', () => {
  it.each([
    ['en', '30 seconds', '2 minutes'],
    ['de', '30 Sekunden', '2 Minuten'],
    ['pl', '30 sekund', '2 minuty'],
    ['uk', '30 секунд', '2 хвилини'],
  ] as const)('a time to wait is in words of the language %s', (language, seconds, minutes) => {
    expect([describeWait(30, language), describeWait(100, language)]).toEqual([seconds, minutes])
  })

  it.each(LANGUAGES.filter((language) => language !== 'en'))(
    'the texts in the language %s are translated, without a text that is left empty',
    (language) => {
      const english = new Map(textsOf(TEXTS.en))
      const texts = textsOf(TEXTS[language])
      expect(texts.filter(([, text]) => text.trim() === '')).toEqual([])
      const same = texts.filter(([path, text]) => text === english.get(path)).map(([path]) => path)
      // Words that languages share, such as "Privacy" in Dutch and "Error" in Spanish.
      const shared = ['direction', 'signIn.password', 'links.privacy', 'errors.number']
      expect(same.filter((path) => !shared.includes(path))).toEqual([])
    },
  )
})
