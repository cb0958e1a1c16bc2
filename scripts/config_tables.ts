import { stringify } from 'yaml'
import type { Keys } from '../src/config/key.ts'
import { CONFIG_AREAS } from '../src/config/schema.ts'

/** The place of a generated table in docs/configuration.md: a line before it and a line after it. */
const TABLE = /(<!-- keys: (?<area>[^>]+) -->\n).*?(<!-- end of keys -->)/gs

const HEAD = ['key', 'meaning', 'unit', 'default', 'allowed values']

/**
 * Replaces the tables in docs/configuration.md by tables of the keys in src/config.
 *
 * @throws Error if the page has a table for an unknown area, or lacks the table of an area
 */
export function replaceTables(page: string): string {
  const areas: ReadonlyMap<string, Keys> = new Map(Object.entries(CONFIG_AREAS))
  const placed = [...page.matchAll(TABLE)].map(({ groups }) => groups?.area)
  const missing = [...areas.keys()].filter((area) => !placed.includes(area))
  if (missing.length > 0) throw new Error(`docs/configuration.md has no table of: ${missing.join(', ')}`)
  return page.replace(TABLE, (_match, start: string, area: string, end: string) => {
    const keys = areas.get(area)
    if (keys === undefined) throw new Error(`config.yml has no area "${area}"`)
    return `${start}\n${formatTable(keys)}\n${end}`
  })
}

function formatTable(keys: Keys): string {
  const rows = [HEAD, HEAD.map(() => '---'), ...rowsOf(keys, '')]
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** The rows of keys and of the keys inside them. @param path The text before the names of the keys. */
function rowsOf(keys: Keys, path: string): string[][] {
  return Object.values(keys).flatMap(({ name, description, presence, about }) => {
    const key = path + name
    const { unit, bounds, inner } = about
    const row = [`\`${key}\``, description, unit ?? '–', formatDefault(presence), bounds]
    return inner === null ? [row] : [row, ...rowsOf(inner.keys, key + inner.step)]
  })
}

function formatDefault(presence: Keys[string]['presence']): string {
  if (presence === 'required') return 'required'
  if ('absent' in presence) return `none: ${presence.absent}`
  return `\`${stringify(presence.default, { collectionStyle: 'flow' }).trim()}\``
}
