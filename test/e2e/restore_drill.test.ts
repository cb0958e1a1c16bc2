import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
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
})
