import { describe, expect, it } from 'vitest'
import type { Statistics } from '../../packages/cli/src/api/schemas.ts'
import { STATISTICS_COMMANDS } from '../../packages/cli/src/commands/statistics_command.ts'
import type { Call } from '../../packages/cli/src/core/command.ts'

const TOTAL = {
  tokens: {},
  failures: 0,
  breached_passwords: 0,
  unchecked_passwords: 0,
  active_sessions: 0,
}
const EMPTY: Statistics = {
  from: 0,
  to: 60,
  bucket_seconds: 60,
  total: TOTAL,
  buckets: [],
  databases: [],
  revocation_feed: null,
}

/** Runs the command on a server that returns the statistics. Returns the lines of its output and its notes. */
async function runOn(statistics: Statistics): Promise<{ output: string[]; notes: string[] }> {
  const output: string[] = []
  const notes: string[] = []
  const terminal = {
    print: (text: string) => output.push(...text.split('\n')),
    say: (line: string) => notes.push(line),
  }
  const input = { query: {}, has: () => false }
  const call = { terminal, input, api: { read: async () => statistics } } as unknown as Call
  for (const command of STATISTICS_COMMANDS) await command.run(call)
  return { output, notes }
}

describe('the command statistics', () => {
  it('the command warns only of a database that is nearly full', async () => {
    const limit_bytes = 10_000_000_000
    const databases = [
      { name: 'DB', bytes: 7_000_000_000, limit_bytes, nearly_full: true },
      { name: 'SESSIONS_EU', bytes: null, limit_bytes, nearly_full: false },
    ]
    const { notes } = await runOn({ ...EMPTY, databases })
    expect(notes).toEqual(['The database DB is nearly full: see docs/cost.md.'])
  })

  it('the command prints the number of tokens of each grant', async () => {
    const tokens = { authorization_code: 3, password: 1 }
    const { output } = await runOn({ ...EMPTY, total: { ...TOTAL, tokens, failures: 2 } })
    expect(output.map((line) => line.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringMatching(/^from /),
      expect.stringMatching(/^to /),
      'tokens (authorization_code) 3',
      'tokens (password) 1',
      'failures 2',
      'breached passwords 0',
      'unchecked passwords 0',
      'active sessions 0',
    ])
  })
})
