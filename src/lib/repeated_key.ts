/** Strings and the characters that shape a JSON text. */
const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g

/**
 * Whether an object in a JSON text has a key twice: parsers differ in which of the two values they take.
 *
 * @param text Valid JSON.
 * @param options.depth How many levels of objects and lists are looked at: 1 is the outermost. All levels where absent.
 */
export function hasRepeatedKey(text: string, { depth = Number.POSITIVE_INFINITY } = {}): boolean {
  const open: Set<string>[] = []
  let last = ''
  for (const token of text.match(JSON_TOKENS) ?? []) {
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':' && open.length <= depth) {
      const key: string = last.includes('\\') ? JSON.parse(last) : last.slice(1, -1)
      const keys = open.at(-1)
      if (keys?.has(key)) return true
      keys?.add(key)
    }
    last = token
  }
  return false
}
