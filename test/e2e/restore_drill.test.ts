import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type DrillRow, runDrill } from '../../scripts/run_drill.ts'
import { serviceBundle } from '../support/shared_builds.ts'

// The drill starts seven servers and runs wrangler five times.
const TIMEOUT_MS = 600_000

/** The table of docs/backup.md. */
function readTable(): DrillRow[] {
  const rows = readFileSync('docs/backup.md', 'utf8').matchAll(
    /^\| ([^|]+) ((?:\| (?:accepted|refused) )+)\|$/gm,
  )
  return [...rows].map(([, title = '', cells = '']) => ({
    title,
    accepted: (cells.match(/accepted|refused/g) ?? []).map((cell) => cell === 'accepted'),
  }))
}

it('each token is accepted or refused after a restore and its repairs, as docs/backup.md says', {
  timeout: TIMEOUT_MS,
}, async () => {
  const table = readTable()
  expect(table.length).toBeGreaterThan(10)
  expect(await runDrill(await serviceBundle())).toEqual(table)
})
