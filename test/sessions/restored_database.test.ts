import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { endBrowserSessions } from '../../src/browser/end_browser_sessions.ts'
import { HOLDER_KNOWLEDGE_SECONDS } from '../../src/storage/copy_ages.ts'
import { D1_DOWN } from '../support/faults.ts'
import { readFeed } from '../support/feed.ts'
import { credentials, emptyStores, type TestClient, TestServer } from '../support/server.ts'
import {
  IN_OBJECTS,
  objectOf,
  readObject,
  readUnsentCutoffs,
  runAlarms,
  wrapMainDatabase,
} from '../support/session_objects.ts'

/** The statement of `npm run after-restore`. */
function markRestore(seq: number): Promise<unknown> {
  return env.DB.prepare("INSERT OR REPLACE INTO copy_changes (seq, name) VALUES (?, 'restore')")
    .bind(seq)
    .run()
}

async function loseRows(): Promise<void> {
  await env.DB.batch(['session_index', 'cutoffs'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)))
}

async function indexedSids(): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT sid FROM session_index ORDER BY sid').all()
  return results.map(({ sid }) => sid)
}

const sidOf = (token: string) => decodeJwt<{ sid: string }>(token).sid

/** An object with one live session and one that ended, and D1 without their rows. */
async function newScene() {
  const server = new TestServer({ config: IN_OBJECTS })
  const client = await server.addClient()
  const user = await server.addUser()
  const live = await startSession(server, client, user.username)
  const ended = await startSession(server, client, user.username, sidOf(live.access_token))
  const revocation = { ...credentials(client), token: ended.refresh_token }
  expect((await server.postJson(revocation, {}, '/oauth2-token/revoke')).status).toBe(200)
  await runAlarms()
  const sids = [live, ended].map(({ access_token }) => sidOf(access_token))
  expect(await indexedSids()).toEqual(sids.toSorted())
  await loseRows()
  return { server, client, user, live, sids, endedSid: sids[1], object: objectOf(sids[0] ?? '') }
}

/** Signs in until the session is in the object of another one, and refreshes once. */
async function startSession(server: TestServer, client: TestClient, username: string, near?: string) {
  for (;;) {
    const tokens = await server.signIn(client, username)
    const sid = sidOf(tokens.access_token)
    if (near !== undefined && sid.split('.')[0] !== near.split('.')[0]) continue
    const { refresh_token } = await server.refresh(client, tokens.refresh_token)
    return { access_token: tokens.access_token, refresh_token }
  }
}

describe('a session object after a restore of the main database', () => {
  beforeEach(emptyStores)

  it('sends its sessions and its revocations again at its next alarm, once for each restore', async () => {
    const info = vi.spyOn(console, 'info')
    onTestFinished(() => info.mockRestore())
    const { server, sids, endedSid, object } = await newScene()
    for (const seq of [500, 700, 600]) {
      await markRestore(seq)
      await evictDurableObject(object)
      await runAlarms()
      expect(await indexedSids()).toEqual(sids.toSorted())
      expect((await readFeed(server)).revocations.map(({ sid }) => sid)).toEqual([endedSid])
      await loseRows()
      await runAlarms()
      expect(await indexedSids()).toEqual([])
    }
    const lines = info.mock.calls.map(([line]) => JSON.parse(line))
    const sent = lines.filter(({ event }) => event === 'session_index_sent_again')
    expect(new Set(sent.map(({ restored }) => restored))).toEqual(new Set([500, 700, 600]))
  })

  it('sends them after a refresh of any of its sessions', async () => {
    const { server, client, live, sids, object } = await newScene()
    await markRestore(500)
    server.clock.time += HOLDER_KNOWLEDGE_SECONDS.max + 1
    await server.refresh(client, live.refresh_token)
    expect(await runInDurableObject(object, (_, { storage }) => storage.getAlarm())).toBeLessThan(
      Date.now() + 6000,
    )
    await runAlarms()
    expect(await indexedSids()).toEqual(sids.toSorted())
  })

  it('lets a logout end a session that the restored index lacks', async () => {
    const { server, client, user, live, sids, object } = await newScene()
    const [sid = ''] = sids
    await readObject(object, "UPDATE sessions SET browser_id = 'browser 1' WHERE sid = ?", sid)
    await markRestore(500)
    await evictDurableObject(object)
    await runAlarms()
    const occasion = { clientId: null, services: server.services, context: server.context() }
    await endBrowserSessions(
      { subject: user.id, endsAt: server.clock.time + 86_400 },
      ['browser 1'],
      occasion,
    )
    await expect(server.refresh(client, live.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('sends thousands of sessions in parts, goes on after a failure, and sends each part once', async () => {
    const { sids, object } = await newScene()
    const [sid = ''] = sids
    const [row = {}] = await readObject(object, 'SELECT * FROM sessions WHERE sid = ?', sid)
    const columns = Object.keys(row)
    const others = columns.filter((name) => name !== 'sid')
    await readObject(
      object,
      `INSERT INTO sessions (sid, ${others}) SELECT substr(sid, 1, 7) || printf('%022d', n.value), ${others} FROM sessions,
         (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 2600) SELECT value FROM n) AS n
       WHERE sid = ?`,
      sid,
    )
    await readObject(object, 'DELETE FROM index_changes')
    await markRestore(500)
    await evictDurableObject(object)
    await runAlarms()
    expect(await indexedSids()).toHaveLength(2000)
    await wrapMainDatabase(object, () => D1_DOWN)
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => error.mockRestore())
    await runInDurableObject(object, (instance) => instance.alarm())
    expect(await indexedSids()).toHaveLength(2000)
    await loseRows()
    await evictDurableObject(object)
    await runAlarms()
    expect(await indexedSids()).toHaveLength(602)
    expect(await readObject(object, 'SELECT seq, resend_after FROM restores')).toEqual([
      { seq: 500, resend_after: null },
    ])
  })

  it('removes its copies of clients and users, and has no revocation left to send', async () => {
    const { server, client, live, object } = await newScene()
    const copies = 'SELECT client_id AS id FROM clients UNION SELECT id FROM users'
    expect(await readObject(object, copies)).toHaveLength(2)
    await markRestore(500)
    await evictDurableObject(object)
    await runAlarms()
    expect(await readObject(object, copies)).toEqual([])
    expect(await readUnsentCutoffs(object)).toEqual([])
    server.clock.time += HOLDER_KNOWLEDGE_SECONDS.max + 1
    await server.refresh(client, live.refresh_token)
  })
})
