import { expect, it } from 'vitest'
import { STATISTICS_COMMANDS } from '../../packages/cli/src/commands/statistics_command.ts'
import type { Call } from '../../packages/cli/src/core/command.ts'

/** Runs the command on a server that gives those statistics. Returns what it says beside its output. */
async function runOn(statistics: Record<string, unknown>): Promise<string[]> {
  const said: string[] = []
  const terminal = { print: () => {}, say: (line: string) => said.push(line) }
  const input = { query: {}, has: () => false }
  const call = { terminal, input, api: { read: async () => statistics } } as unknown as Call
  for (const command of STATISTICS_COMMANDS) await command.run(call)
  return said
}

it('the command statistics warns of each database that is nearly full, and of no other', async () => {
  const limit_bytes = 10_000_000_000
  const databases = [
    { name: 'DB', bytes: 7_000_000_000, limit_bytes, nearly_full: true },
    { name: 'SESSIONS_EU', bytes: null, limit_bytes, nearly_full: false },
  ]
  expect(await runOn({ from: 0, to: 60, total: {}, databases })).toEqual([
    'The database DB is nearly full: see docs/cost.md.',
  ])
})
