import { foldText } from '../lib/fold_text.ts'
import type { Profile } from './user.ts'

/** The text in which a search finds a user: the folded username, name and email, one per line. Equal lines are stored once. */
export function searchTextOf({ username, profile }: { username: string; profile: Profile }): string {
  const texts = [username, profile.name, profile.email].filter((text) => text !== undefined)
  return [...new Set(texts.map(foldText))].join('\n')
}
