import type { Child } from 'hono/jsx'

/** The longest words that fit in one line at 320 pixels: of a title, and of a column of a table. */
const LONGEST = { title: 20, column: 10 } as const

/**
 * A text whose long words, such as names and ids, can break after a punctuation mark and not only between two letters.
 *
 * @param place The narrowest place of the text.
 */
export function breakable(text: string, place: keyof typeof LONGEST = 'title'): Child {
  return text.split(/(\s+)/).map((word) => (word.length > LONGEST[place] ? breakWord(word) : word))
}

function breakWord(word: string): Child {
  return word.split(/(?<=[@._-]|\/(?!\/))/).map((part, i) => (i === 0 ? part : [<wbr />, part]))
}
