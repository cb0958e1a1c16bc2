import type { Child } from 'hono/jsx'

/** A word of this length fits in one line of a title at 320 pixels. */
const LONGEST_UNBROKEN = 20

/** A text whose long words, such as names and ids, can break after a punctuation mark and not only between two letters. */
export function breakable(text: string): Child {
  return text.split(/(\s+)/).map((word) => (word.length > LONGEST_UNBROKEN ? breakWord(word) : word))
}

function breakWord(word: string): Child {
  return word.split(/(?<=[@._-]|\/(?!\/))/).map((part, i) => (i === 0 ? part : [<wbr />, part]))
}
