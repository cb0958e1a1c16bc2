import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { type DatabaseRow, runDatabaseDrill } from '../../scripts/database_drill.ts'
import { type DrillRow, runDrill } from '../../scripts/run_drill.ts'
import { serviceBundle } from '../support/shared_builds.ts'

// A drill starts seven servers and runs wrangler five times.
const TIMEOUT_MS = 600_000

/** The table in a section of docs/backup.md. */
function readTable(section: string): DrillRow[] {
  const text = readFileSync('docs/backup.md', 'utf8')
    .split(/^## /m)
    .find((part) => part.startsWith(section))
  const rows = (text ?? '').matchAll(/^\| ([^|]+) ((?:\| (?:accepted|refused) )+)\|$/gm)
  return [...rows].map(([, title = '', cells = '']) => ({
    title,
    accepted: (cells.match(/accepted|refused/g) ?? []).map((cell) => cell === 'accepted'),
  }))
}

/** The table of a restore of one database. */
function readDatabaseTable(): DatabaseRow[] {
  const rows = readFileSync('docs/backup.md', 'utf8').matchAll(/^\| `([A-Z_0-9]+)` \| (.+) \|$/gm)
  return [...rows].map(([, binding = '', cells = '']) => {
    const [title = '', ...states] = cells.split(' | ')
    return { binding, title, states }
  })
}

describe('the drill of docs/backup.md', () => {
  it('each token is accepted or refused after a restore and its repairs, as the page says', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const table = readTable('Tokens after a restore')
    expect(table.length).toBeGreaterThan(10)
    expect(await runDrill(await serviceBundle())).toEqual(table)
  })

  it('with session objects, a restore in place changes no session, as the page says', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const table = readTable('Session objects')
    expect(table.length).toBeGreaterThan(10)
    const bundle = configureBundle(await serviceBundle(), { session_objects: { per_market: 2 } })
    expect(await runDrill(bundle, { keepsObjects: true })).toEqual(table)
  })

  it('one restored database of several has the states of the page, and the repair names what it found', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const table = readDatabaseTable()
    expect(table.length).toBeGreaterThan(10)
    const { rows, notes } = await runDatabaseDrill(await serviceBundle())
    expect(rows).toEqual(table)
    const has = (...lines: string[]) =>
      expect.arrayContaining(lines.map((line) => expect.stringContaining(line)))
    expect(notes).toEqual({
      DB: has('DB, the main database:', 'erasures: 2 rows', 'decide: users with another username'),
      SESSIONS_EU: has('SESSIONS_EU, a session shard:', 'sessions: 4 rows', 'cutoffs: 2 rows'),
      AUDIT_1: has('AUDIT_1, an audit database:', 'run on DB: UPDATE erasures SET archive_from = 0'),
      USERS_1: has(
        'USERS_1, a database of users:',
        'users: disabled or signed out again',
        'users: erased again',
        'decide: users that the restore removed',
        'decide: usernames that two databases have: gus',
      ),
    })
  })
})
