/** Letters without a decomposition in Unicode that users type as other letters. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  ς: 'σ',
  þ: 'th',
}
const FOLDED_LETTERS = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g')

/** The accents of Latin, Greek and Cyrillic letters. Vowel signs of other scripts are not accents. */
const ACCENTS = /[\u0300-\u036f]/g

/** Invisible characters, such as a zero-width space. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu

/**
 * Folds a text for a search that ignores case, accents, width and invisible characters. A text contains a part if the folded text contains the folded
 * part.
 *
 * @returns one line without space around it
 */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replace(ACCENTS, '')
    .replace(INVISIBLE, '')
    .replace(FOLDED_LETTERS, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .trim()
}
