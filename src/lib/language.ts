/** The languages of the pages (BCP 47). */
export const LANGUAGES = ['en', 'de', 'fr', 'es', 'nl', 'it', 'pl', 'uk'] as const
export type Language = (typeof LANGUAGES)[number]

/** The direction of writing of each language (HTML `dir`). */
export const DIRECTIONS: Readonly<Record<Language, 'ltr' | 'rtl'>> = {
  en: 'ltr',
  de: 'ltr',
  fr: 'ltr',
  es: 'ltr',
  nl: 'ltr',
  it: 'ltr',
  pl: 'ltr',
  uk: 'ltr',
}

/** A text of the operator: one for all languages, or at least one language. */
export type LocalText = string | Readonly<Partial<Record<Language, string>>>

/** A text, and its language; null for a text of all languages. */
export interface FoundText {
  text: string
  language: Language | null
}

/** The text in a language; without it the English text, otherwise the first one in the order of LANGUAGES. */
export function inLanguage(texts: LocalText, language: Language): FoundText {
  if (typeof texts === 'string') return { text: texts, language: null }
  const found = [language, ...LANGUAGES].find((candidate) => texts[candidate] !== undefined) ?? language
  return { text: texts[found] ?? '', language: found }
}

/** The best supported language of a list in the order of preference: `de-AT` and `de_AT` match `de`. */
export function findLanguage(tags: readonly string[]): Language | null {
  for (const tag of tags) {
    const [primary = ''] = tag.toLowerCase().split(/[-_]/, 1)
    const found = LANGUAGES.find((language) => language === primary)
    if (found !== undefined) return found
  }
  return null
}

/**
 * Chooses the language of a page.
 *
 * @param requested The language tags of the request, such as `ui_locales`, in the order of preference.
 * @param acceptLanguage The header `Accept-Language` (RFC 9110 §12.5.4).
 */
export function chooseLanguage(requested: readonly string[], acceptLanguage: string | undefined): Language {
  return findPreferredLanguage(requested, acceptLanguage) ?? 'en'
}

/** As `chooseLanguage`; null if the request names no supported language. */
export function findPreferredLanguage(
  requested: readonly string[],
  acceptLanguage: string | undefined,
): Language | null {
  return findLanguage(requested) ?? findLanguage(sortByQuality(acceptLanguage ?? ''))
}

/** The tags of the header, best quality first. A tag with the quality 0 is refused by the user. */
function sortByQuality(header: string): string[] {
  return header
    .split(',', MAX_TAGS)
    .map((entry) => {
      const [tag = '', ...parameters] = entry.split(';').map((part) => part.trim())
      const quality = parameters.find((parameter) => parameter.toLowerCase().startsWith('q='))
      return { tag, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
    })
    .filter(({ quality }) => quality > 0 && quality <= 1)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag)
}

const MAX_TAGS = 30
