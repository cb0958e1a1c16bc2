import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type DatabaseRow, runDatabaseDrill } from '../../scripts/database_drill.ts'
import { serviceBundle } from '../support/shared_builds.ts'

const TIMEOUT_MS = 600_000

/** The table of a restore of one database. */
function readDatabaseTable(): DatabaseRow[] {
  const rows = readFileSync('docs/backup.md', 'utf8').matchAll(/^\| `([A-Z_0-9]+)` \| (.+) \|$/gm)
  return [...rows].map(([, binding = '', cells = '']) => {
    const [title = '', ...states] = cells.split(' | ')
    return { binding, title, states }
  })
}

it('one restored database of several has the states of docs/backup.md, and the repair names what it found', {
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
