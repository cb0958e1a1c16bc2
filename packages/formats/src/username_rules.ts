/** Code points that have no visible form, or only one in the context of others (Unicode `Default_Ignorable_Code_Point`). */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u

/** Letters, marks and decimal digits (RFC 8264 §9.1), visible ASCII (§9.11) and the allowed exceptions (§9.6). */
const ALLOWED = /^[\p{L}\p{Mn}\p{Mc}\p{Nd}\x21-\x7e\u06fd\u06fe\u0f0b\u3007\u00b7\u0375\u05f3\u05f4\u30fb]$/u

/** The disallowed exceptions (RFC 8264 §9.6), conjoining Hangul (§9.9) and titlecase letters (§9.18). */
const DISALLOWED =
  /[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\p{Lt}]/u

/** Code points that are allowed only next to certain others (RFC 5892 Appendix A.3 to A.9). Each rule finds one in a wrong place. */
const OUT_OF_CONTEXT: readonly RegExp[] = [
  /(?<!l)\u00b7|\u00b7(?!l)/u,
  /\u0375(?!\p{Script=Greek})/u,
  /(?<!\p{Script=Hebrew})[\u05f3\u05f4]/u,
  /^(?!.*[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]).*\u30fb/u,
  /[\u0660-\u0669].*[\u06f0-\u06f9]|[\u06f0-\u06f9].*[\u0660-\u0669]/u,
]

/** Code points of the bidirectional classes R and AL, by the blocks that Unicode keeps for right-to-left scripts, and AN. */
const RIGHT_TO_LEFT =
  /[\u0590-\u05ff\u0600-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u
const ARABIC_NUMBER = /[\u0660-\u0669]/u
const EUROPEAN_NUMBER = /[0-9\u06f0-\u06f9]/u
/** Characters that a part from right to left may contain but not begin with, in addition to letters. */
const NEUTRAL = /[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e\p{Mn}]/u

/**
 * The reason why a mapped username is not of the IdentifierClass (RFC 8264 §4.2) or breaks the Bidi Rule (RFC 5893 §2); null if
 * there is no such reason. Spaces may separate parts (RFC 8265 §3.1). Stricter than the RFC: joiners (U+200C, U+200D) are refused
 * like every other invisible code point.
 */
export function findNameProblem(username: string): string | null {
  for (const character of username) {
    if (INVISIBLE.test(character)) return `has the invisible character ${nameOf(character)}`
    const isAllowed = ALLOWED.test(character) && !DISALLOWED.test(character)
    if (!isAllowed && character !== ' ') return `has the character ${nameOf(character)}, which is not allowed`
    if (character.normalize('NFKC') !== character)
      return `has ${nameOf(character)}, a compatibility form of another character`
  }
  if (OUT_OF_CONTEXT.some((rule) => rule.test(username)))
    return 'has a character that is allowed only next to certain others'
  // The local part and the domain of an e-mail address may have different directions.
  const hasMixedDirections = username.split(/[ @]/).some((part) => !keepsBidiRule([...part]))
  return hasMixedDirections ? 'mixes directions of writing' : null
}

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** Checks the Bidi Rule of RFC 5893 §2 for one part. A part without a right-to-left code point passes. */
function keepsBidiRule(part: string[]): boolean {
  if (!part.some((character) => RIGHT_TO_LEFT.test(character))) return true
  const [first = ''] = part
  const last = part.findLast((character) => !/\p{Mn}/u.test(character)) ?? ''
  const isLetter = (character: string) =>
    RIGHT_TO_LEFT.test(character) && !isNumber(character) && !/\p{Mn}/u.test(character)
  const isInside = (character: string) =>
    isLetter(character) || isNumber(character) || NEUTRAL.test(character)
  const hasOneKindOfNumber =
    !part.some((each) => ARABIC_NUMBER.test(each)) || !part.some((each) => EUROPEAN_NUMBER.test(each))
  return isLetter(first) && (isLetter(last) || isNumber(last)) && part.every(isInside) && hasOneKindOfNumber
}

function isNumber(character: string): boolean {
  return ARABIC_NUMBER.test(character) || EUROPEAN_NUMBER.test(character)
}
