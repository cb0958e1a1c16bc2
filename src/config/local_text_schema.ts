import * as z from 'zod/mini'
import { LANGUAGES, type LocalText } from '../lib/language.ts'
import type { Check } from './key.ts'

const RULE = `must be a text, or a mapping of languages (${LANGUAGES.join(', ')}) to texts`

/** One line of text in one language or several. A text without a language is the text of all languages. */
export function localText(maxCharacters: number): Check<LocalText, LocalText> {
  const text = z
    .string(RULE)
    .check(
      z.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u, 'must be one line of text'),
      z.maxLength(maxCharacters, `must have at most ${maxCharacters} characters`),
    )
  const shape = Object.fromEntries(LANGUAGES.map((language) => [language, z.optional(text)]))
  const byLanguage = z.strictObject(shape, RULE).check(z.refine(hasText, RULE))
  return {
    schema: z.union([text, byLanguage], RULE),
    read: (file) => file,
    unit: 'text, or mapping by language',
    bounds: `up to ${maxCharacters} characters`,
    inner: null,
  }
}

function hasText(texts: object): boolean {
  return Object.keys(texts).length > 0
}
