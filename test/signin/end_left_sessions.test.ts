import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { LOGOUT } from '../../src/sessions/session.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { D1_DOWN } from '../support/faults.ts'
import { emptyStores, TestServer } from '../support/server.ts'
import { IN_ONE_DATABASE } from '../support/user_databases.ts'

function silenceErrors(): void {
  const spy = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => spy.mockRestore())
}

/** Adds unfinished logouts of a user of USERS_1 that follow each other second by second. */
async function addLogouts(count: number, from: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
     INSERT INTO ended_browser_sessions (id, subject, ended_at, keep_until)
     SELECT 'blocked ' || ?2 || ' ' || i, ?3, ?2 + i, 9e9 FROM n`,
  )
    .bind(count, from, `user:u1.${'a'.repeat(22)}`)
    .run()
}

/** Adds a logout of a user of the main database, and a session that it left in a database. */
async function addLeft(id: string, endedAt: number, db: D1Database = env.DB): Promise<void> {
  await env.DB.prepare(
    'INSERT INTO ended_browser_sessions (id, subject, ended_at, keep_until) VALUES (?, ?, ?, 9e9)',
  )
    .bind(id, 'user:main', endedAt)
    .run()
  await db
    .prepare(
      `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until, browser_id)
       VALUES (?1, 'user:main', 'shop', 'storefront', 0, 1, 1, 9e9, 9e9, ?1)`,
    )
    .bind(id)
    .run()
}

const endOf = (id: string, db: D1Database = env.DB) =>
  db.prepare('SELECT end_reason FROM sessions WHERE sid = ?').bind(id).first('end_reason')

const finishedAt = (id: string) =>
  env.DB.prepare('SELECT finished_at FROM ended_browser_sessions WHERE id = ?').bind(id).first('finished_at')

const countUnfinished = () =>
  env.DB.prepare('SELECT count(*) AS n FROM ended_browser_sessions WHERE finished_at IS NULL').first('n')

describe('the cron trigger and sessions that a logout left', () => {
  beforeEach(async () => {
    await emptyStores()
    await env.SESSIONS_EU.exec('DELETE FROM sessions')
  })

  it('ends the sessions of other users while 1000 or more logouts wait for a database of users that is down', async () => {
    silenceErrors()
    const near = new TestServer({ config: IN_ONE_DATABASE })
    const { clock } = near
    const start = clock.time - 50_000
    await addLeft('oldest', start)
    await addLogouts(1500, start + 1)
    await addLeft('between', start + 2000)
    await addLogouts(1500, start + 2001)
    await addLeft('newest', start + 4000)
    const inOutage = new TestServer({ config: IN_ONE_DATABASE, clock, env: { USERS_1: D1_DOWN } })
    await inOutage.sweep()
    for (const id of ['oldest', 'between', 'newest']) {
      expect(await endOf(id)).toBe(LOGOUT)
      expect(await finishedAt(id)).toBe(clock.time)
    }
    expect(await countUnfinished()).toBe(3000)
    // The users were deleted meanwhile.
    await near.sweep()
    expect(await countUnfinished()).toBe(0)
  })

  it('a run stops after 5000 logouts that wait, so that the other sweeps can use its statements', async () => {
    silenceErrors()
    let lists = 0
    const db = aroundD1((sql, call) => {
      if (sql.includes('FROM ended_browser_sessions') && sql.includes('reason')) lists++
      return call()
    })
    const server = new TestServer({ config: IN_ONE_DATABASE, env: { DB: db, USERS_1: D1_DOWN } })
    await addLogouts(7000, server.clock.time - 50_000)
    await addLeft('newest', server.clock.time - 10_000)
    await server.sweep()
    expect([lists, await endOf('newest')]).toEqual([6, LOGOUT])
  })

  it('a logout of the last two minutes stays unfinished, so that a later run ends a session that begins meanwhile', async () => {
    const server = new TestServer({ config: IN_ONE_DATABASE })
    await addLeft('young', server.clock.time - 120)
    await addLeft('older', server.clock.time - 121)
    await server.sweep()
    expect([await endOf('young'), await endOf('older')]).toEqual([LOGOUT, LOGOUT])
    expect([await finishedAt('young'), await finishedAt('older')]).toEqual([null, server.clock.time])
  })

  it('ends the sessions of the other shards while one shard is down', async () => {
    silenceErrors()
    const session_shards = [
      { name: 'eu', binding: 'SESSIONS_EU' },
      { name: 'main', binding: 'DB' },
    ]
    const near = new TestServer({ config: { session_shards } })
    await addLeft('left', near.clock.time - 1000)
    await addLeft('in eu', near.clock.time - 1000, env.SESSIONS_EU)
    const inOutage = new TestServer({
      config: { session_shards },
      clock: near.clock,
      env: { SESSIONS_EU: D1_DOWN },
    })
    await inOutage.sweep()
    expect([await endOf('left'), await finishedAt('left')]).toEqual([LOGOUT, null])
    await near.sweep()
    expect(await endOf('in eu', env.SESSIONS_EU)).toBe(LOGOUT)
    expect([await finishedAt('left'), await finishedAt('in eu')]).toEqual([near.clock.time, near.clock.time])
  })
})
