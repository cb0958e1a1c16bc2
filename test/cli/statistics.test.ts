import { describe, expect, it } from 'vitest'
import type { Statistics } from '../../packages/cli/src/api/schemas.ts'
import { STATISTICS_COMMANDS } from '../../packages/cli/src/commands/statistics_command.ts'
import type { Call } from '../../packages/cli/src/core/command.ts'

const TOTAL = {
  tokens: {},
  failures: 0,
  thefts: 0,
  breached_passwords: 0,
  unchecked_passwords: 0,
  active_sessions: 0,
  failures_by_cause: {},
}
const EMPTY: Statistics = {
  from: 0,
  to: 60,
  bucket_seconds: 60,
  counted_since: null,
  total: TOTAL,
  previous: { from: -60, to: 0, total: TOTAL },
  buckets: [],
  locked_accounts: 0,
  next_key_change: null,
  databases: [],
  revocation_feed: null,
}

/** Runs the command on a server that returns the statistics. Returns the lines of its output and its notes. */
async function runOn(statistics: Statistics): Promise<{ output: string[]; notes: string[] }> {
  const output: string[] = []
  const notes: string[] = []
  const terminal = {
    columns: Number.POSITIVE_INFINITY,
    print: (text: string) => output.push(...text.split('\n')),
    say: (line: string) => notes.push(line),
  }
  const input = { query: {}, has: () => false, get: () => undefined }
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

  it('the command prints the numbers of the period and of the previous one', async () => {
    const tokens = { authorization_code: 3, password: 1 }
    const before = {
      ...TOTAL,
      tokens: { authorization_code: 2, password: 0 },
      failures: 1,
      failures_by_cause: { unknown_user: 1 },
    }
    const { output, notes } = await runOn({
      ...EMPTY,
      counted_since: -59,
      total: { ...TOTAL, tokens, failures: 2, failures_by_cause: { wrong_password: 2 } },
      previous: { from: -60, to: 0, total: before },
      locked_accounts: 3,
    })
    expect(output.map((line) => line.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringMatching(/^from /),
      expect.stringMatching(/^to /),
      'NAME COUNT PREVIOUS',
      'tokens (authorization_code) 3 2',
      'tokens (password) 1 0',
      'failures 2 1',
      'failures (wrong_password) 2 0',
      'failures (unknown_user) 0 1',
      'thefts 0 0',
      'breached passwords 0 0',
      'unchecked passwords 0 0',
      'active sessions 0 0',
      'locked accounts 3',
      'next key change –',
    ])
    expect(notes).toEqual([expect.stringMatching(/^Events are counted since .+\.$/)])
  })
})
