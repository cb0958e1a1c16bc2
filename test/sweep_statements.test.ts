import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { sweepablesOf } from '../src/cron.ts'
import { UNKNOWN_CALLER } from '../src/lib/request_context.ts'
import { BROWSER_END_REASONS } from '../src/signin/browser_session_store.ts'
import { BATCH_ROWS, MAX_STATEMENTS, sweep } from '../src/storage/sweep.ts'
import { aroundD1 } from './support/around_d1.ts'
import { deliverHistory, emptyArchive, makeHistory, requireBucket } from './support/audit_history.ts'
import { archiveServer } from './support/audit_sink.ts'
import { emptyIndexDatabases, NEW_1, NEW_2 } from './support/index_databases.ts'
import { emptyStores, TestClock, TestServer } from './support/server.ts'
import { IN_ONE_DATABASE } from './support/user_databases.ts'

const CONFIG = {
  ...IN_ONE_DATABASE,
  session_objects: { per_market: 1, index_databases: [NEW_1, NEW_2] },
  audit_archive: { partitions: 1, hot_hours: 72 },
  audit_max_events: 10_000,
}

const DAY = 86_400

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

/** Keeps warnings out of the output. */
function silence() {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  onTestFinished(() => warn.mockRestore())
  return warn
}

/** The subjects in the listed objects of the archive. */
async function subjectsInObjects(): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT name FROM audit_archives WHERE removed_at IS NULL').all<{
    name: string
  }>()
  expect(results.length).toBeGreaterThan(20)
  const texts = await Promise.all(results.map(async ({ name }) => (await requireBucket().get(name))?.text()))
  return texts.flatMap((text = '') =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).subject),
  )
}

/** Gives every part of a run some rows, so that it sends each of its statements. */
async function fill(server: TestServer): Promise<void> {
  const { time } = server.clock
  await deliverHistory(server, makeHistory(time, 8))
  await server.cron()
  const client = await server.addClient()
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
      "INSERT INTO consents (id, subject, client_id, api, redirect_uri, scopes, created_at, updated_at, withdrawn_at) VALUES ('c', 'a', ?, 'api', '', '[]', 1, 1, ?)",
      client.id,
      time,
    ),
    add(`${ofSession} VALUES (?, 'visitor:1', 'shop', 'storefront', 1, 'b0', 'c')`, newSid()),
    ...BROWSER_END_REASONS.map((reason, i) =>
      add(
        'INSERT INTO ended_browser_sessions (id, subject, ended_at, keep_until, reason) VALUES (?, ?, 1, ?, ?)',
        `b${i}`,
        MISSING,
        time + 1000,
        reason,
      ),
    ),
    add(
      "INSERT INTO audit_archives (partition, day, name, size, bytes, blocks, removed_at) VALUES (0, 0, 'x', 1, 1, '[]', 1)",
    ),
  ])
  await env.USERS_1.batch([
    env.USERS_1.prepare('INSERT INTO user_changes (name) VALUES (?)').bind(DELETED),
    env.USERS_1.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
       INSERT INTO audit_events (at, kind, outcome, reason) SELECT ?, 'issue', 'ok', 'old' FROM n`,
    ).bind(time),
  ])
  await deliverHistory(server, makeHistory(time - 4 * DAY, 1))
  await addUsers()
}

/** Adds seven users of the main database: the deletion of six is due, and one has no search text. */
async function addUsers(): Promise<void> {
  const server = new TestServer()
  for (let i = 0; i < 6; i++) {
    const { id } = await server.addUser()
    await env.DB.prepare('UPDATE users SET deletion_at = 1 WHERE id = ?').bind(id).run()
  }
  const { id } = await server.addUser()
  await env.DB.prepare('UPDATE users SET search = NULL WHERE id = ?').bind(id).run()
}

/** A server with the most databases of every kind. */
function serverOfManyDatabases(): TestServer {
  const bindings = Array.from({ length: 16 }, (_, i) => ({ name: `d${i + 2}`, binding: `D${i + 2}` }))
  const users = bindings.map(({ name, binding }) => ({ name, binding: `U${binding}`, new_users: [] }))
  const toBinding = ({ binding }: { binding: string }) => ({ binding })
  const config = {
    session_shards: [{ name: 's1', binding: 'DB' }, ...bindings],
    session_objects: { per_market: 1, index_databases: bindings.map(toBinding) },
    audit_archive: { partitions: 1, hot_hours: 72 },
    audit_databases: bindings.map(toBinding),
    user_databases: { pools: ['customers'], databases: users },
  }
  const databases = bindings.flatMap(({ binding }) => [
    [binding, env.SESSIONS_EU],
    [`U${binding}`, env.USERS_1],
  ])
  return archiveServer({ config, env: Object.fromEntries(databases) }).server
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
    for (const part of sweepablesOf(server.services, { needsRelief: false, context: server.context() }))
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
        'audit_events and erasures (of a database of users)',
        'users (deletion due)',
        'users (search texts)',
      ]),
    )
    if (config.audit_archive !== undefined)
      expect(several).toEqual(
        expect.arrayContaining(['audit_events', 'audit_archives', 'audit_batches (archive)']),
      )
  })

  it('an erasure in 25 objects of the archive takes several steps, and reports the statements of each', async () => {
    const { server, sent } = countingServer(CONFIG)
    const { server: archiving } = archiveServer({ config: CONFIG })
    await deliverHistory(archiving, makeHistory(archiving.clock.time, 28))
    await archiving.cron()
    await env.DB.prepare(
      "INSERT INTO erasures (subject, pseudonym, expires_at) VALUES ('visitor:1', 'visitor:erased-1', 9e9)",
    ).run()
    const part = sweepablesOf(server.services, { needsRelief: false, context: server.context() }).find(
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
    expect(Math.max(...steps)).toBeLessThanOrEqual(part?.statements ?? 0)
    // Each object needs four statements.
    expect(steps.reduce((sum, statements) => sum + statements, 0)).toBeGreaterThan(100)
    expect(await subjectsInObjects()).not.toContain('visitor:1')
  })

  it('the moves, deletions, search texts and objects of the archive share the statements of the run', async () => {
    silence()
    const { server } = archiveServer({ config: CONFIG })
    const { userOutboxes, dueDeletions, userSearches, signOut, auditStores } = server.services
    const moves = userOutboxes.map((outbox) => vi.spyOn(outbox, 'move').mockResolvedValue(500))
    const due = Array.from({ length: 5 }, (_, i) => ({
      id: `user:${i}`,
      pool: 'customers',
      username: `${i}`,
      deletionAt: 1,
    }))
    const lists = vi.spyOn(dueDeletions, 'list').mockResolvedValue(due)
    const removals = vi.spyOn(signOut, 'removeUser').mockResolvedValue({ kind: 'missing' })
    const swept = { removed: BATCH_ROWS, hasMore: true }
    const fills = userSearches.map((store) => vi.spyOn(store, 'fill').mockResolvedValue(swept))
    const objects = auditStores.flatMap(({ archive }) =>
      archive === null ? [] : [vi.spyOn(archive, 'moveNext').mockResolvedValue(1)],
    )
    await server.cron()
    const callsOf = (...spies: { mock: { calls: unknown[] } }[]) =>
      spies.reduce((sum, { mock }) => sum + mock.calls.length, 0)
    const sent = [10 * callsOf(...moves), callsOf(lists) + 6 * callsOf(removals), 2 * callsOf(...fills)]
    const all = [...sent, 5 * callsOf(...objects)]
    for (const statements of all) expect(statements).toBeGreaterThan(5)
    expect(all.reduce((sum, statements) => sum + statements, 0)).toBeLessThanOrEqual(MAX_STATEMENTS)
  })

  it('a run without work calls each part with the most databases of every kind', async () => {
    const warn = silence()
    await serverOfManyDatabases().sweep()
    expect(warn).not.toHaveBeenCalled()
  })

  it('a run with events to move in every database of users also archives the events of each database', async () => {
    silence()
    const server = serverOfManyDatabases()
    const { userOutboxes, auditStores } = server.services
    for (const outbox of userOutboxes) vi.spyOn(outbox, 'move').mockResolvedValue(500)
    const archives = auditStores.flatMap(({ archive }) => archive ?? [])
    expect(archives).toHaveLength(17)
    const calls = archives.map((archive) => vi.spyOn(archive, 'moveNext').mockResolvedValue(0))
    await server.sweep()
    for (const call of calls) expect(call).toHaveBeenCalled()
  })

  it('a run counts reported statements, and begins no call whose statements do not fit', async () => {
    const warn = silence()
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
