import { findLanguage, type Language } from '../lib/language.ts'
import type { Profile } from '../users/profile.ts'

/** The language of a mail to a user: that of the profile, otherwise that of the request. */
export function mailLanguageOf({ locale }: Profile, requested: Language): Language {
  return findLanguage(locale === undefined ? [] : [locale]) ?? requested
}
