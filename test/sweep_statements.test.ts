import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { sweepablesOf } from '../src/cron.ts'
import { UNKNOWN_CALLER } from '../src/lib/request_context.ts'
import { BATCH_ROWS, MAX_STATEMENTS, sweep } from '../src/sessions/sweep.ts'
import { BROWSER_END_REASONS } from '../src/signin/browser_session_store.ts'
import { aroundD1 } from './support/around_d1.ts'
import { deliverHistory, emptyArchive, makeHistory } from './support/audit_history.ts'
import { archiveServer } from './support/audit_sink.ts'
import { emptyIndexDatabases, NEW_1, NEW_2 } from './support/index_databases.ts'
import { emptyStores, TestClock, type TestServer } from './support/server.ts'
import { IN_ONE_DATABASE } from './support/user_databases.ts'

const CONFIG = {
  ...IN_ONE_DATABASE,
  session_objects: { per_market: 1, index_databases: [NEW_1, NEW_2] },
  audit_archive: { partitions: 1, hot_hours: 72 },
  audit_max_events: 10_000,
}

/** Two users who were deleted lately and long ago. */
const [DELETED, MISSING] = ['a', 'b'].map((letter) => `user:u1.${letter.repeat(22)}`)

/** A server that counts its statements. */
function countingServer(config: Record<string, unknown>) {
  const sent = { statements: 0 }
  const count = (db: D1Database) =>
    aroundD1((sql, call) => {
      sent.statements += sql.split(';\n').length
      return call()
    }, db)
  const stores = Object.fromEntries(
    (['DB', 'USERS_1', 'USERS_2', 'INDEX_1', 'INDEX_2'] as const).map((name) => [name, count(env[name])]),
  )
  return { server: archiveServer({ config, env: stores }).server, sent }
}

/** Gives every part of a run some rows, so that it sends each of its statements. */
async function fill(server: TestServer): Promise<void> {
  const { time } = server.clock
  await deliverHistory(server, makeHistory(time, 8))
  await server.cron()
  const newSid = () => server.services.shards.newSid({ ...UNKNOWN_CALLER, continent: 'EU' })
  const add = (sql: string, ...values: unknown[]) => env.DB.prepare(sql).bind(...values)
  const ofSession =
    'INSERT INTO session_index (sid, subject, client_id, api, started_at, browser_id, consent_id)'
  await env.DB.batch([
    add(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 13000)
      INSERT INTO audit_events (at, kind, outcome, reason) SELECT ${time}, 'issue', 'ok', 'old' FROM n`),
    add(
      "INSERT INTO erasures (subject, pseudonym, expires_at) VALUES ('visitor:1', 'visitor:erased-1', 9e9)",
    ),
    add(
      "INSERT INTO consents (id, subject, client_id, api, redirect_uri, scopes, created_at, updated_at, withdrawn_at) VALUES ('c', 'a', 'b', 'api', '', '[]', 1, 1, ?)",
      time,
    ),
    add(`${ofSession} VALUES (?, 'visitor:1', 'shop', 'storefront', 1, 'b0', 'c')`, newSid()),
    ...BROWSER_END_REASONS.map((reason, i) =>
      add(
        'INSERT INTO ended_browser_sessions (id, subject, ended_at, keep_until, reason) VALUES (?, ?, 1, ?, ?)',
        ...[`b${i}`, MISSING, time + 1000, reason],
      ),
    ),
    add(
      "INSERT INTO audit_archives (partition, day, name, size, bytes, blocks, removed_at) VALUES (0, 0, 'x', 1, 1, '[]', 1)",
    ),
  ])
  await env.USERS_1.prepare('INSERT INTO user_changes (name) VALUES (?)').bind(DELETED).run()
}

describe('the statements of a run of the cron trigger', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
    await emptyIndexDatabases()
  })

  it.each([
    ['with the archive of events', CONFIG],
    ['without it', { ...CONFIG, audit_archive: undefined }],
  ])('no part of the sweep sends more statements than it declares: %s', async (_case, config) => {
    const { server, sent } = countingServer(config)
    await fill(archiveServer({ config: CONFIG }).server)
    const most = new Map<string, number>()
    for (const part of sweepablesOf(server.services, { needsRelief: false }))
      for (let call = 0; call < 3; call++) {
        sent.statements = 0
        const swept = await part.sweep(BATCH_ROWS)
        const declared = (typeof swept === 'number' ? undefined : swept.statements) ?? part.statements ?? 1
        expect([part.table, sent.statements <= declared]).toEqual([part.table, true])
        most.set(part.table, Math.max(sent.statements, most.get(part.table) ?? 0))
      }
    const several = [...most].filter(([, statements]) => statements > 1).map(([table]) => table)
    expect(several).toEqual(
      expect.arrayContaining([
        'consents and browser sessions (deleted users)',
        'audit_events (merges of erased users)',
        'audit_batches (erased users)',
        'sessions (erased users)',
        'cutoffs',
        'sessions (withdrawn consents)',
        'sessions (ended browser sessions)',
        'user_changes',
        'idempotency_keys',
      ]),
    )
    if (config.audit_archive !== undefined)
      expect(several).toEqual(expect.arrayContaining(['audit_events', 'audit_archives']))
  })

  it('the erasure in objects of the archive reports the statements of each step', async () => {
    const { server, sent } = countingServer(CONFIG)
    await fill(archiveServer({ config: CONFIG }).server)
    const part = sweepablesOf(server.services, { needsRelief: false }).find(
      ({ table }) => table === 'audit_batches (erased users)',
    )
    const steps: number[] = []
    for (let hasMore = true; hasMore; ) {
      sent.statements = 0
      const swept = (await part?.sweep(BATCH_ROWS)) ?? 0
      if (typeof swept === 'number') throw new Error('the step reports no statements')
      hasMore = swept.hasMore
      expect(swept.statements).toBe(sent.statements)
      steps.push(sent.statements)
    }
    expect(Math.max(...steps)).toBeGreaterThan(part?.statements ?? Infinity)
  })

  it('a run counts reported statements, and begins no call whose statements do not fit', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const calls = { reported: 0, declared: 0 }
    const reporting = {
      table: 'reported',
      sweep: async () => {
        calls.reported++
        return { removed: 1, hasMore: calls.reported < 7, statements: 100 }
      },
    }
    const declaring = {
      table: 'declared',
      statements: 30,
      sweep: async (limit: number) => {
        calls.declared++
        return limit
      },
    }
    await sweep([reporting, declaring], new TestClock())
    expect(calls.reported * 100 + calls.declared * 30).toBeLessThanOrEqual(MAX_STATEMENTS)
    expect(calls).toEqual({ reported: 7, declared: 6 })
    expect(warn.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      { level: 'warn', event: 'sweep_unfinished', table: 'declared', removed: 6000 },
    ])
  })
})
