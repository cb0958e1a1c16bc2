import { foldText } from '../lib/fold_text.ts'
import type { ProfileTexts } from './profile.ts'

/** The text in which a search finds a user: the folded username, names and email, one per line. Equal lines are stored once. */
export function searchTextOf({ username, profile }: { username: string; profile: ProfileTexts }): string {
  const { name = '', given_name = '', family_name = '', email = '' } = profile
  const texts = [username, name, `${given_name} ${family_name}`.trim(), email].filter((text) => text !== '')
  return [...new Set(texts.map(foldText))].join('\n')
}
