import type { Language } from '../../lib/language.ts'
import { de } from './de.ts'
import { en, type Texts } from './en.ts'
import { es } from './es.ts'
import { fr } from './fr.ts'
import { it } from './it.ts'
import { nl } from './nl.ts'
import { pl } from './pl.ts'
import { uk } from './uk.ts'

/** The texts of the pages by language. */
export const TEXTS: Readonly<Record<Language, Texts>> = { en, de, fr, es, nl, it, pl, uk }

/**
 * The end of a time to wait in words, such as "in 30 seconds": below 90 in seconds, then in whole minutes. The words have the
 * grammatical case of the language, such as "za 1 sekundę" in Polish.
 */
export function describeWait(seconds: number, language: Language): string {
  const format = new Intl.RelativeTimeFormat(language)
  return seconds < 90 ? format.format(seconds, 'second') : format.format(Math.ceil(seconds / 60), 'minute')
}
