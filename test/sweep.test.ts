import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { EVENTS_PER_MINUTE } from '../src/audit/audit_budget.ts'
import ManagementWorker from '../src/management_worker.ts'
import { NO_GUARD } from '../src/sessions/holder_check.ts'
import { LOGOUT } from '../src/sessions/session.ts'
import { DatabaseSizeStore } from '../src/storage/database_size_store.ts'
import { BATCH_ROWS, MAX_STATEMENTS, sweep } from '../src/storage/sweep.ts'
import worker from '../src/worker.ts'
import wranglerToml from '../wrangler.toml?raw'
import { auditOf } from './support/audit.ts'
import { ConsoleBrowser } from './support/console.ts'
import { TestOperator } from './support/operator.ts'
import { emptyStores, TestClock, TestServer } from './support/server.ts'
import { signOutUser } from './support/sign_out.ts'

const DAY = 86_400

const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')

describe('the sweep', () => {
  beforeEach(emptyStores)

  it('the sweep removes old revocations except the newest, and audit events past their retention', async () => {
    const server = new TestServer({ config: { audit_retention_days: 30 } })
    const users = [await server.addUser(), await server.addUser()]
    for (const user of users) await signOutUser(server, user.id)
    await server.settle()
    server.clock.time += 3662
    await server.sweep()
    expect(await count('cutoffs')).toBe(2)
    server.clock.time += 1
    await server.sweep()
    // The newest row keeps its number, and loses the id of the user.
    const { results } = await env.DB.prepare('SELECT id, value FROM cutoffs').all()
    expect(results).toEqual([{ id: 2, value: 'expired:2' }])
    expect(await count('audit_events')).toBe(2)
    server.clock.time += 30 * DAY
    await server.sweep()
    expect(await count('audit_events')).toBe(0)
  })

  it('the sweep removes the end of a browser session when its cookie has expired', async () => {
    const server = new TestServer()
    const { id: subject } = await server.addUser()
    const { browserSessions } = server.services
    const ends = { ids: ['a'], subject, keepUntil: server.clock.time + 10, reason: LOGOUT } as const
    await browserSessions.end(ends, server.clock.time)
    server.clock.time += 9
    await server.sweep()
    expect(await count('ended_browser_sessions')).toBe(1)
    server.clock.time += 1
    await server.sweep()
    expect(await count('ended_browser_sessions')).toBe(0)
  })

  it('the sweep removes the consents to a deleted client, and a deleted user leaves none', async () => {
    const server = new TestServer()
    const { consents, browserSessions } = server.services
    const [ann, bob] = [await server.addUser(), await server.addUser()]
    const clients = [await server.addClient(), await server.addClient(), await server.addClient()]
    const consent = { api: 'storefront', redirectUri: 'https://app.test/', scopes: ['cart'], issuedAt: 1 }
    const addAll = () =>
      env.DB.batch(
        [ann, bob].flatMap(({ id: subject }) =>
          clients.map(({ id: clientId }) =>
            consents.addition({ ...consent, id: `${subject} ${clientId}`, subject, clientId }, NO_GUARD, 1),
          ),
        ),
      )
    const addEnds = async () => {
      for (const { id: subject } of [ann, bob])
        await browserSessions.end(
          { ids: [subject], subject, keepUntil: server.clock.time + DAY, reason: LOGOUT },
          1,
        )
    }
    await addAll()
    await addEnds()
    await env.DB.prepare('DELETE FROM clients WHERE client_id = ?').bind(clients[1]?.id).run()
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(ann.id).run()
    expect([await count('consents'), await count('ended_browser_sessions')]).toEqual([3, 1])
    await server.sweep()
    await addAll()
    await addEnds()
    const { results } = await env.DB.prepare('SELECT subject, client_id FROM consents').all()
    expect(new Set(results)).toEqual(
      new Set([clients[0], clients[2]].map((client) => ({ subject: bob.id, client_id: client?.id }))),
    )
    expect(await count('ended_browser_sessions')).toBe(1)
  })

  it('the sweep includes the main database if no shard is in it', async () => {
    const session_shards = [{ name: 'eu', binding: 'SESSIONS_EU' }]
    const server = new TestServer({ config: { session_shards } })
    for (let i = 0; i < 2; i++) {
      const user = await server.addUser()
      await signOutUser(server, user.id)
    }
    server.clock.time += 3663
    await server.sweep()
    expect(await count('cutoffs')).toBe(1)
  })

  it('one sweep removes all expired events', async () => {
    const server = new TestServer({ config: { audit_retention_days: 1 } })
    await addEvents(51_000, { at: 0 })
    await server.sweep()
    expect(await count('audit_events')).toBe(0)
  })

  it('the sweep removes the oldest events above the maximum, and keeps thefts and changes by operators', async () => {
    const server = new TestServer({ config: { audit_max_events: 10_000 } })
    const at = server.clock.time
    await addEvents(3, { at, kind: 'theft' })
    await addEvents(3, { at, kind: 'cut_off', actor: 'user:1' })
    await addEvents(13_000, { at, kind: 'sign_in_failure' })
    await server.sweep()
    expect(await countByKind()).toEqual({ cut_off: 3, sign_in_failure: 10_000, theft: 3 })
    // Thefts are removed when there are twice as many newer events. Changes by operators stay.
    await addEvents(20_000, { at })
    await server.sweep()
    expect(await countByKind()).toEqual({ cut_off: 3, issue: 10_000 })
  })

  it('the sweep removes old thefts, also if it removes other events in each run', async () => {
    const server = new TestServer({ config: { audit_max_events: 10_000 } })
    const at = server.clock.time
    await addEvents(3, { at, kind: 'theft' })
    await addEvents(20_500, { at })
    await server.sweep()
    expect(await countByKind()).toEqual({ issue: 10_000 })
  })

  it('the sweep keeps half as many events while the database is 85 % full', async () => {
    const server = new TestServer({ config: { audit_max_events: 10_000 } })
    server.services.databaseSizes.readAll = () =>
      new DatabaseSizeStore(new Map([['DB', sized(8.5e9)]])).readAll()
    await addEvents(12_000, { at: server.clock.time })
    await server.sweep()
    expect(await count('audit_events')).toBe(5000)
  })

  it('the sweep removes the counters of the statistics after two days', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    await server.signIn(client, 'guest', 'guest')
    server.clock.time += 2 * DAY - 60
    await server.sweep()
    expect(await count('audit_counters')).toBe(1)
    server.clock.time += 120
    await server.sweep()
    expect(await count('audit_counters')).toBe(0)
  })

  /** A table with a limited or endless number of rows. The sweep calls `onSweep` for each batch. */
  const fake = (table: string, onSweep: (table: string) => void, rowsLeft = Infinity) => ({
    table,
    sweep: async (limit: number) => {
      onSweep(table)
      return Math.min(limit, rowsLeft)
    },
  })

  it('the sweep takes the tables in turn, and stops after 900 statements until the next run', async () => {
    const lines = warnings()
    const asked: string[] = []
    const note = (table: string) => asked.push(table)
    const tables = [fake('sessions', note), fake('once', note, 1), fake('audit_events', note)]
    await sweep(tables, new TestClock())
    const times = (table: string) => asked.filter((name) => name === table).length
    expect([asked.length, times('once')]).toEqual([900, 1])
    expect(Math.abs(times('sessions') - times('audit_events'))).toBeLessThanOrEqual(1)
    expect(lines.map(({ event, table }) => [event, table])).toEqual([
      ['sweep_unfinished', expect.any(String)],
      ['sweep_unfinished', expect.any(String)],
    ])
  })

  it('the sweep stops after four minutes, before the next run', async () => {
    const lines = warnings()
    const clock = new TestClock()
    const begunAt = clock.time
    const takeASecond = () => {
      clock.time += 1
    }
    await sweep([fake('audit_events', takeASecond)], clock)
    expect(clock.time - begunAt).toBe(240)
    expect(lines).toHaveLength(1)
  })

  it('one sweep can remove what 500 isolates write when every budget is used', () => {
    const [, minutes] = /crons = \["\*\/(\d+) \* \* \* \*"\]/.exec(wranglerToml) ?? []
    const removedPerMinute = (BATCH_ROWS * MAX_STATEMENTS) / Number(minutes)
    expect(removedPerMinute).toBeGreaterThanOrEqual(500 * EVENTS_PER_MINUTE.strangers)
  })

  it('the cron trigger runs the sweep and makes the first key of each algorithm', async () => {
    await env.DB.prepare(
      "INSERT INTO audit_events (at, kind, outcome, reason) VALUES (0, 'issue', 'ok', 'old')",
    ).run()
    const context = createExecutionContext()
    const management = new ManagementWorker(context, env)
    await worker.scheduled(createScheduledController(), { ...env, MANAGEMENT: management })
    await waitOnExecutionContext(context)
    expect(await auditOf({ kind: 'issue' })).toEqual([])
    expect(await auditOf({ kind: 'key' })).toHaveLength(2)
    expect(await count('signing_keys')).toBe(2)
  })
})

/** Adds a number of events, with the columns that the sweep reads. */
async function addEvents(
  times: number,
  { at, kind = 'issue', actor = null }: { at: number; kind?: string; actor?: string | null },
): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO audit_events (at, kind, outcome, reason, actor) SELECT ?2, ?3, 'ok', 'old', ?4 FROM n`,
  )
    .bind(times, at, kind, actor)
    .run()
}

async function countByKind(): Promise<Record<string, number>> {
  const select = env.DB.prepare('SELECT kind, count(*) AS n FROM audit_events GROUP BY kind ORDER BY kind')
  const { results } = await select.all<{ kind: string; n: number }>()
  return Object.fromEntries(results.map(({ kind, n }) => [kind, n]))
}

/** A database that reports a given size in bytes. */
function sized(bytes: number): D1Database {
  return { prepare: () => ({ run: async () => ({ meta: { size_after: bytes } }) }) } as unknown as D1Database
}

/** Collects the warnings that are logged from now on. */
function warnings(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const spy = vi.spyOn(console, 'warn').mockImplementation((line: string) => lines.push(JSON.parse(line)))
  onTestFinished(() => spy.mockRestore())
  return lines
}

describe('a database that is 70 % full', () => {
  const NEARLY = 7_000_000_000

  it('each run of the cron trigger logs the full database', async () => {
    const lines = warnings()
    const databases = new Map([
      ['DB', sized(NEARLY)],
      ['SESSIONS_EU', sized(NEARLY - 1)],
    ])
    await new DatabaseSizeStore(databases).readAndWarn()
    expect(lines).toEqual([
      { level: 'warn', event: 'database_nearly_full', name: 'DB', bytes: NEARLY, limit: 10_000_000_000 },
    ])
  })

  it('the statistics and the dashboard name the full database, and one that is unavailable', async () => {
    const lines = warnings()
    await emptyStores()
    const server = new TestServer()
    const away = {
      prepare: () => ({ run: () => Promise.reject(new Error('away')) }),
    } as unknown as D1Database
    const databases = new Map([
      ['DB', sized(NEARLY)],
      ['SESSIONS_EU', away],
    ])
    server.services.databaseSizes.readAll = () => new DatabaseSizeStore(databases).readAll()
    const operator = await TestOperator.signIn(server, ['support'])
    const { body } = await operator.get('/statistics')
    expect(body.databases).toEqual([
      { name: 'DB', bytes: NEARLY, limit_bytes: 10_000_000_000, nearly_full: true },
      { name: 'SESSIONS_EU', bytes: null, limit_bytes: 10_000_000_000, nearly_full: false },
    ])
    expect(lines.map(({ event, name }) => [event, name])).toEqual([['database_size_unknown', 'SESSIONS_EU']])
    const { html } = await (await ConsoleBrowser.signIn(server)).get('/console')
    expect(html).toContain('The database DB is 70 % full.')
    expect(html).not.toContain('The database SESSIONS_EU')
  })
})
