/** The longest tag that every application must accept (RFC 5646 §4.4.1). */
export const MAX_LOCALE_CHARACTERS = 35

/** The rule for a locale, for the message of a refusal. */
export const LOCALE_RULE = 'must be a language tag, such as de-CH'

/** The canonical form of a language tag (BCP 47), also of a tag with underscores such as `de_CH`; null for any other text. */
export function findLocale(text: string): string | null {
  try {
    return Intl.getCanonicalLocales(text.replaceAll('_', '-'))[0] ?? null
  } catch {
    return null
  }
}
