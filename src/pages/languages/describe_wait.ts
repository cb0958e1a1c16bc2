import type { Language } from '../../lib/language.ts'

/**
 * The end of a time to wait in words, such as "in 30 seconds": below 90 in seconds, then in whole minutes. The words have the
 * grammatical case of the language, such as "za 1 sekundę" in Polish.
 */
export function describeWait(seconds: number, language: Language): string {
  const format = new Intl.RelativeTimeFormat(language)
  return seconds < 90 ? format.format(seconds, 'second') : format.format(Math.ceil(seconds / 60), 'minute')
}
