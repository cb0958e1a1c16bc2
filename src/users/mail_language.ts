import { findLanguage, type Language } from '../lib/language.ts'
import { decodeProfile, type Profile } from './profile.ts'
import type { StoredUser } from './user.ts'

/** The language of every mail to a user: that of the profile, otherwise that of the request. */
export function mailLanguageOf({ locale }: Profile, requested: Language): Language {
  return findLanguage(locale === undefined ? [] : [locale]) ?? requested
}

/** As `mailLanguageOf`, for a record that was read. @throws CorruptRecord */
export function mailLanguageOfUser(
  { id, profileJson }: Pick<StoredUser, 'id' | 'profileJson'>,
  requested: Language,
): Language {
  return mailLanguageOf(decodeProfile(`profile of ${id}`, profileJson), requested)
}
