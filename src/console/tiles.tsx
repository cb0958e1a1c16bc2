import { auditPathOf } from './audit_path.ts'
import { CONSOLE_PATH } from './console_path.ts'
import { formatBytes, formatCount, formatDistance, formatShare } from './format.ts'
import type { Tone } from './parts.tsx'
import type { Statistics } from './statistics_series.ts'

/** A number that can need action. Its link leads to the page where the operator acts. */
interface Tile {
  title: string
  value: string
  note: string
  tone: Tone
  path: string
}

const NEARLY_FULL = 0.7

/** The numbers that can need action. */
export function Tiles({ statistics, now }: { statistics: Statistics; now: number }) {
  const tiles = [
    lockedTile(statistics),
    theftTile(statistics),
    feedTile(statistics),
    databaseTile(statistics),
    keyTile(statistics, now),
  ]
  return (
    <ul class="tiles">
      {tiles.map(({ title, value, note, tone, path }) => (
        <li>
          <a class={`tile ${tone}`} href={CONSOLE_PATH + path}>
            <span class="tile-title">{title}</span>
            <span class="tile-value">{value}</span>
            <span class="tile-note">{note}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}

function lockedTile({ locked_accounts: locked }: Statistics): Tile {
  return {
    title: 'Locked accounts',
    value: formatCount(locked),
    note: locked === 0 ? 'No account is locked' : 'Show the locks',
    tone: locked === 0 ? 'good' : 'warn',
    path: '/audit?kind=lock',
  }
}

function theftTile({ from, to, total: { thefts } }: Statistics): Tile {
  return {
    title: 'Token theft',
    value: formatCount(thefts),
    note: thefts === 0 ? 'in this period' : 'Show the thefts',
    tone: thefts === 0 ? 'good' : 'bad',
    path: auditPathOf({ kind: 'theft' }, { from, to }),
  }
}

function feedTile({ revocation_feed: feed }: Statistics): Tile {
  const tile = { title: 'Revocation feed', path: '/audit?kind=cut_off' }
  if (feed === null) return { ...tile, value: 'Unknown', note: 'A database does not respond', tone: 'bad' }
  const { entries, max_entries: max, merged } = feed
  const isNearlyFull = entries >= NEARLY_FULL * max
  return {
    ...tile,
    value: formatCount(entries),
    note: merged.length > 0 ? 'entries. Some were merged' : `of ${formatCount(max)} entries`,
    tone: merged.length > 0 ? 'bad' : isNearlyFull ? 'warn' : 'good',
  }
}

/** The fullest database. */
function databaseTile({ databases }: Statistics): Tile {
  const sized = databases.flatMap(({ bytes, ...rest }) => (bytes === null ? [] : [{ ...rest, bytes }]))
  const [fullest] = sized.toSorted((a, b) => b.bytes - a.bytes)
  const tile = { title: 'Database size', path: '/audit' }
  if (fullest === undefined) return { ...tile, value: 'Unknown', note: 'No database responds', tone: 'bad' }
  const { name, bytes, limit_bytes: limit, nearly_full: isNearlyFull } = fullest
  const isMissing = sized.length < databases.length
  return {
    ...tile,
    value: formatShare(bytes / limit),
    note: isMissing
      ? 'A database does not respond'
      : `${name}: ${formatBytes(bytes)} of ${formatBytes(limit)}`,
    tone: isMissing ? 'bad' : isNearlyFull ? 'warn' : 'good',
  }
}

function keyTile({ next_key_change: change }: Statistics, now: number): Tile {
  const tile = { title: 'Next key change', path: '/keys' }
  if (change === null) return { ...tile, value: 'None', note: 'No key exists yet', tone: 'warn' }
  const { at, published } = change
  if (at <= now && !published)
    return { ...tile, value: 'Overdue', note: 'The cron trigger makes no key', tone: 'warn' }
  return {
    ...tile,
    value: formatDistance(at, now),
    note: published ? 'The key is published' : 'Not published yet',
    tone: 'plain',
  }
}
