import { findUsernameProblem } from '@sallyport/formats/username'

/** The scripts of each writing system. A name normally has letters of one writing system (UTS 39 §5.1). */
const SYSTEMS: readonly (readonly [name: string, letters: RegExp])[] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Georgian', /\p{Script=Georgian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
  ['Coptic', /\p{Script=Coptic}/u],
  ['Hebrew', /\p{Script=Hebrew}/u],
  ['Arabic', /\p{Script=Arabic}/u],
  [
    'East Asian',
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}]/u,
  ],
]

/** Common and inherited characters belong to every writing system, such as the long vowel mark of Japanese. */
const OF_NO_SCRIPT = /[\p{Script=Common}\p{Script=Inherited}]/u

/** Lower-case letters of other scripts that look like Latin letters (the confusables table of UTS 39). */
const LATIN_LOOKALIKES: readonly (readonly [name: string, only: RegExp])[] = [
  ['Cyrillic', /^[асеорхуіјѕһԁԛԝкгпӏүв]+$/u],
  ['Greek', /^[ανορυικγτχωεη]+$/u],
  ['Armenian', /^[օսոհցքզյ]+$/u],
]

/**
 * Warnings for operators about a stored username; empty for a normal name. Each text follows `The username`.
 */
export function findUsernameWarnings(username: string): string[] {
  const problem = findUsernameProblem(username)
  const parts = username.split('@').map((part) => [...part].filter((character) => /\p{L}/u.test(character)))
  return [
    ...(problem === null ? [] : [`cannot sign in: the name ${problem}`]),
    ...new Set(parts.flatMap((letters) => findMixture(letters) ?? findLookalike(letters) ?? [])),
  ]
}

function findMixture(letters: readonly string[]): string | null {
  const systems = [...new Set(letters.filter((letter) => !OF_NO_SCRIPT.test(letter)).map(systemOf))]
  const isUsual = systems.length < 2 || (systems.length === 2 && isLatinAndEastAsian(systems))
  return isUsual ? null : `mixes ${systems.join(' and ')} letters`
}

function systemOf(letter: string): string {
  return SYSTEMS.find(([, letters]) => letters.test(letter))?.[0] ?? 'other'
}

function isLatinAndEastAsian(systems: readonly string[]): boolean {
  return systems.includes('Latin') && systems.includes('East Asian')
}

function findLookalike(letters: readonly string[]): string | null {
  const [name] = LATIN_LOOKALIKES.find(([, only]) => only.test(letters.join(''))) ?? []
  return name === undefined ? null : `has only ${name} letters, which look like Latin letters`
}
