/** The strings and the structural characters of a JSON text (RFC 8259 §2). */
const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g

/**
 * Whether an object in a JSON text has a key twice. Parsers do not agree on the value of such a key (RFC 8259 §4).
 *
 * @param text Valid JSON.
 * @param options.depth The number of levels to check; 1 is only the outermost object or list. The default is all levels.
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
