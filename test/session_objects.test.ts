import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { readFeed } from './support/feed.ts'
import { credentials, emptyStores, TestServer } from './support/server.ts'
import { IN_OBJECTS, objectOf, readObject, runAlarms, sweepObjects } from './support/session_objects.ts'

const DAY = 86_400

function sidOf(token: string | undefined): string {
  return decodeJwt<{ sid: string }>(token ?? '').sid
}

async function indexOf(sid: string) {
  return env.DB.prepare('SELECT * FROM session_index WHERE sid = ?').bind(sid).first()
}

describe('a session object', () => {
  beforeEach(emptyStores)

  it('stores the sessions of its market, and the index gets a session after its first refresh', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const { id, username } = await server.addUser()
    server.continent = 'NA'
    server.longitude = '-122.4'
    const first = await server.signIn(client, username)
    const sid = sidOf(first.access_token)
    expect(sid).toMatch(/^wnam-[01]\.[\w-]{22}$/)
    const second = await server.refresh(client, first.refresh_token)
    await server.refresh(client, second.refresh_token)
    const select = 'SELECT seq, subject, client_id, ended_at FROM sessions WHERE sid = ?'
    const row = { seq: 2, subject: id, client_id: client.id, ended_at: null }
    expect(await readObject(objectOf(sid), select, sid)).toEqual([row])
    expect(await env.DB.prepare('SELECT count(*) AS n FROM sessions').first('n')).toBe(0)
    expect(await indexOf(sid)).toBeNull()
    await runAlarms()
    const times = { started_at: server.clock.time, browser_id: null, consent_id: null }
    expect(await indexOf(sid)).toEqual({
      sid,
      subject: id,
      client_id: client.id,
      api: 'storefront',
      ...times,
    })
    expect(await readObject(objectOf(sid), 'SELECT * FROM index_changes')).toEqual([])
  })

  it('lists an ended session in the revocation feed before the response', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const { username } = await server.addUser()
    const tokens = await server.signIn(client, username)
    const sid = sidOf(tokens.access_token)
    await server.postJson({ ...credentials(client), token: tokens.refresh_token }, {}, '/oauth2-token/revoke')
    const { revocations } = await readFeed(server)
    expect(revocations).toContainEqual({ sid, before: server.clock.time + 60 })
    expect(await readObject(objectOf(sid), 'SELECT * FROM cutoffs')).toEqual([])
    await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('400')
  })

  it('removes an expired session and its row in the index', async () => {
    const server = new TestServer({ config: IN_OBJECTS })
    const client = await server.addClient()
    const tokens = await server.signIn(client, 'guest', 'guest')
    const sid = sidOf(tokens.access_token)
    await server.refresh(client, tokens.refresh_token)
    await runAlarms()
    await sweepObjects(server.clock.time + 30 * DAY - 1)
    expect(await indexOf(sid)).toMatchObject({ sid })
    await sweepObjects(server.clock.time + 30 * DAY)
    expect(await readObject(objectOf(sid), 'SELECT * FROM sessions')).toEqual([])
    expect(await indexOf(sid)).toBeNull()
  })
})
