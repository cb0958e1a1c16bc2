import { closestMatch } from 'leven'
import { type Document, isMap, isScalar, type LineCounter } from 'yaml'
import type { About } from './key.ts'
import { configCheck } from './schema.ts'

// Not imported by the Worker: without the YAML document there is no line.

/** Describes an unknown key: its line, and the known key that is most similar. @param path The keys from the top. */
export function describeUnknownKey(path: readonly string[], document: Document, lines: LineCounter): string {
  const key = path.at(-1) ?? ''
  const line = findLine(path, document, lines)
  const place = line === null ? '' : ` (line ${line})`
  const maxDistance = Math.ceil(key.length / 3)
  const near = closestMatch(key, knownKeysAt(path.slice(0, -1)), { maxDistance })
  return `is not a known key${place}${near === undefined ? '' : `; did you mean "${near}"?`}`
}

function findLine(path: readonly string[], document: Document, lines: LineCounter): number | null {
  const mapping = document.getIn(path.slice(0, -1), true)
  const pair = isMap(mapping) ? mapping.items.find(({ key }) => nameOf(key) === path.at(-1)) : undefined
  const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined
  return start === undefined ? null : lines.linePos(start).line
}

function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key)
}

/** The names of the keys that a mapping can have. */
function knownKeysAt(path: readonly string[]): string[] {
  let inner: About['inner'] = configCheck.inner
  let isName = false
  for (const part of path) {
    // The name of an entry, or its number in a list, is no key.
    if (isName) {
      isName = false
      continue
    }
    const found = Object.values(inner?.keys ?? {}).find(({ name }) => name === part)
    inner = found?.about.inner ?? null
    isName = inner !== null && inner.step !== '.'
  }
  return Object.values(inner?.keys ?? {}).map(({ name }) => name)
}
