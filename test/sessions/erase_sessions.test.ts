import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, expect, it } from 'vitest'
import { eraseSessions, type SessionErasureRun } from '../../src/sessions/erase_sessions.ts'
import { emptyStores, TestServer } from '../support/server.ts'
import { runAlarms } from '../support/session_objects.ts'
import { describeStores, readSessions } from '../support/session_stores.ts'

const PAGE = 1000

/** Lists 2500 erased guests. @param step The seconds from the end of one erasure to the end of the next one */
async function listErasures(step: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
     INSERT INTO erasures (subject, pseudonym, expires_at, archive_from)
     SELECT 'visitor:' || i, 'visitor:erased-' || i, 8000000000 + i * ?, NULL FROM n`,
  )
    .bind(step)
    .run()
}

/** The id of a guest with a session, whose erasure is listed until a time. */
async function addErased(server: TestServer, expiresAt: number): Promise<string> {
  const client = await server.addClient()
  const { refresh_token = '' } = await server.signIn(client, 'guest', 'guest')
  await server.refresh(client, refresh_token)
  await runAlarms()
  const { sub } = decodeJwt<{ sub: string }>(refresh_token)
  await env.DB.prepare(
    'INSERT INTO erasures (subject, pseudonym, expires_at, archive_from) VALUES (?, ?, ?, NULL)',
  )
    .bind(sub, `erased ${sub}`, expiresAt)
    .run()
  return sub
}

/** The numbers of sessions with the id of a guest, and with its pseudonym. */
const countsOf = async (sub: string) => [
  (await readSessions(sub)).length,
  (await readSessions(`erased ${sub}`)).length,
]

describeStores('the erasure of users in sessions', () => {
  beforeEach(emptyStores)

  it('each call reads one page of the list, the newest erasures first', async () => {
    const server = new TestServer()
    await listErasures(1)
    const oldest = await addErased(server, 7_000_000_000)
    const newest = await addErased(server, 9_000_000_000)
    const run: SessionErasureRun = { last: null, failed: new Map() }
    const erase = () => eraseSessions(server.services, run, PAGE)
    expect(await erase()).toEqual({ removed: 1, hasMore: true, failures: [] })
    expect([await countsOf(oldest), await countsOf(newest)]).toEqual([
      [1, 0],
      [0, 1],
    ])
    expect(await erase()).toEqual({ removed: 0, hasMore: true, failures: [] })
    expect(await erase()).toEqual({ removed: 1, hasMore: false, failures: [] })
    expect(await countsOf(oldest)).toEqual([0, 1])
  })

  it('a run reads every page, also if all erasures expire at the same time', async () => {
    const server = new TestServer()
    await listErasures(0)
    const subs = [await addErased(server, 7_000_000_000), await addErased(server, 9_000_000_000)]
    await server.sweep()
    for (const sub of subs) expect(await countsOf(sub)).toEqual([0, 1])
  })

  it('a call that may leave sessions of its page reads the same page again', async () => {
    const server = new TestServer()
    const subs = [await addErased(server, 7_000_000_000), await addErased(server, 9_000_000_000)]
    const run: SessionErasureRun = { last: null, failed: new Map() }
    const calls = []
    for (let hasMore = true; hasMore; ) {
      const swept = await eraseSessions(server.services, run, 1)
      hasMore = swept.hasMore
      calls.push(swept.removed)
    }
    expect(calls.reduce((sum, removed) => sum + removed, 0)).toBe(2)
    for (const sub of subs) expect(await countsOf(sub)).toEqual([0, 1])
  })
})
