/** Strings and the characters that shape a JSON text. */
const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g

/**
 * Whether an object in a JSON text has a key twice, at any depth: parsers differ in which of the two counts.
 *
 * @param text Valid JSON.
 */
export function hasRepeatedKey(text: string): boolean {
  const open: Set<string>[] = []
  let last = ''
  for (const [token] of text.matchAll(JSON_TOKENS)) {
    const keys = open.at(-1)
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const key: string = JSON.parse(last)
      if (keys?.has(key)) return true
      keys?.add(key)
    }
    last = token
  }
  return false
}
