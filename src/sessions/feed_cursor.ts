/** A position in the feed: the highest id that each database had assigned. */
export type FeedCursor = ReadonlyMap<string, number>

const ID = /^(?:0|[1-9]\d{0,14})$/

/** The cursor on the wire: `42` with one database, `DB-42.SESSIONS_EU-7` with several. */
export function formatCursor(cursor: FeedCursor): string {
  if (cursor.size === 1) return String([...cursor.values()][0])
  return [...cursor].map(([name, id]) => `${name}-${id}`).join('.')
}

/** Decodes a cursor of exactly these databases; null for any other text. */
export function parseCursor(text: string, names: readonly string[]): FeedCursor | null {
  const [only] = names
  const parts = names.length === 1 ? [[only, text]] : text.split('.').map((part) => part.split('-'))
  const cursor = new Map<string, number>()
  for (const [name, id, ...rest] of parts) {
    if (name === undefined || id === undefined || rest.length > 0 || !ID.test(id)) return null
    cursor.set(name, Number(id))
  }
  const isComplete = cursor.size === names.length && names.every((name) => cursor.has(name))
  return isComplete && parts.length === names.length ? cursor : null
}
