import { closestMatch } from 'leven'

/** The known word that is most similar to a mistyped word; undefined if no word is similar. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  return closestMatch(word, known, { maxDistance: Math.ceil(word.length / 3) })
}

/**
 * The end of a message about a mistyped word, such as `; did you mean "clients"?`. Empty if no word is similar.
 *
 * @param prefix The words before the mistyped word.
 */
export function didYouMean(word: string, known: readonly string[], prefix = ''): string {
  const near = suggest(word, known)
  return near === undefined ? '' : `; did you mean ${near.startsWith('-') ? near : `"${prefix}${near}"`}?`
}
