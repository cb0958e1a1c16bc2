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

/** A time to wait in words, such as "30 seconds": seconds up to 90, then whole minutes. */
export function describeWait(seconds: number, language: Language): string {
  const [count, unit] = seconds < 90 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute']
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(Number(count))
}
