import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { pause } from '../../src/lib/pause.ts'
import { READ_TIMEOUT_MS } from '../../src/lib/storage_error.ts'
import type { AroundCall } from '../support/around_d1.ts'
import { aroundObjects, REFRESH, refreshesText } from '../support/around_objects.ts'
import { auditOf } from '../support/audit.ts'
import { credentials, emptyStores, TestServer } from '../support/server.ts'
import { objectOf, readObject, wrapMainDatabase } from '../support/session_objects.ts'
import { readSession } from '../support/session_stores.ts'

/** Longer than a read of a copy takes, and shorter than the deadline of a store. */
const SLOW_MS = 2 * READ_TIMEOUT_MS

const IN_ONE_OBJECT = { session_objects: { per_market: 1 } }

/** An isolate with sessions in one object. `calls` has the calls of the isolate to the object. */
async function newScene(config: Record<string, unknown> = {}) {
  const calls: string[] = []
  const scene = { around: (async (_, call) => call()) as AroundCall }
  const SESSION_OBJECTS = aroundObjects((what, call) => {
    calls.push(what)
    return scene.around(what, call)
  })
  const server = new TestServer({ config: { ...IN_ONE_OBJECT, ...config }, env: { SESSION_OBJECTS } })
  const client = await server.addClient()
  /** A session after its first refresh. */
  async function openSession() {
    const user = await server.addUser()
    const { refresh_token: first = '' } = await server.signIn(client, user.username)
    const { refresh_token: token = '' } = await server.refresh(client, first)
    return { user, first, token, sid: decodeJwt<{ sid: string }>(token).sid }
  }
  const sessions = [
    await openSession(),
    await openSession(),
    await openSession(),
    await openSession(),
  ] as const
  calls.length = 0
  const post = (token: string) =>
    server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token: token })
  /** Refreshes in parallel. @returns the statuses */
  const refreshAll = async (tokens: string[]) => {
    const responses = await Promise.all(tokens.map(post))
    return responses.map(({ status }) => status)
  }
  return { server, client, sessions, calls, scene, post, refreshAll }
}

const seqOf = async (sid: string) => await readSession(sid, 'seq, ended_at')

describe('parallel refreshes of an isolate in one session object', () => {
  beforeEach(emptyStores)

  it('refreshes one after the other are a call each', async () => {
    const { sessions, calls, post } = await newScene()
    for (const { token } of sessions) expect((await post(token)).status).toBe(200)
    expect(calls).toEqual(sessions.map(() => REFRESH))
  })

  it('refreshes during a call of the isolate share the next call', async () => {
    const { sessions, calls, refreshAll } = await newScene()
    expect(await refreshAll(sessions.map(({ token }) => token))).toEqual([200, 200, 200, 200])
    expect(calls).toEqual([REFRESH, refreshesText(3)])
    for (const { sid } of sessions) expect(await seqOf(sid)).toEqual([{ seq: 2, ended_at: null }])
  })

  it('parallel uses of one refresh token get one successor', async () => {
    const { server, client, sessions, calls } = await newScene()
    const [{ token, sid }] = sessions
    const responses = await Promise.all(Array.from({ length: 8 }, () => server.refresh(client, token)))
    const successors = responses.map(({ refresh_token = '' }) => decodeJwt(refresh_token))
    expect(new Set(successors.map(({ jti }) => jti)).size).toBe(1)
    expect(calls).toEqual([REFRESH, refreshesText(7)])
    expect(await seqOf(sid)).toEqual([{ seq: 2, ended_at: null }])
    await server.settle()
    expect(await auditOf({ kind: 'retry' })).toHaveLength(7)
  })

  it('each refresh of a shared call has its own result: a success, an ended session, a theft, a corrupt row', async () => {
    const { server, client, sessions, calls, refreshAll } = await newScene()
    const [valid, ended, stolen, corrupt] = sessions
    await server.refresh(client, stolen.token)
    server.clock.time += 61
    const object = objectOf(corrupt.sid)
    await readObject(object, `UPDATE sessions SET ended_at = 1, end_reason = 'test' WHERE sid = ?`, ended.sid)
    await readObject(object, `UPDATE sessions SET rotation_times = '[1]' WHERE sid = ?`, corrupt.sid)
    const { refresh_token: guest = '' } = await server.signIn(client, 'guest', 'guest')
    calls.length = 0
    const tokens = [valid, ended, stolen, corrupt].map(({ token }) => token)
    expect(await refreshAll([guest, ...tokens])).toEqual([200, 200, 400, 400, 503])
    // The object runs the corrupt one again for its error.
    expect(calls.slice(0, 3)).toEqual([REFRESH, refreshesText(4), REFRESH])
    expect(await seqOf(valid.sid)).toEqual([{ seq: 2, ended_at: null }])
    await server.settle()
    expect(await auditOf({ kind: 'theft' })).toMatchObject([{ sid: stolen.sid }])
  })

  it('a refresh that waits for D1 does not delay the others of its call', async () => {
    const { server, sessions, calls, scene, post } = await newScene()
    const [first, waiting, a, b] = sessions
    await readObject(objectOf(first.sid), 'DELETE FROM users WHERE id = ?', waiting.user.id)
    const released = Promise.withResolvers<void>()
    // The call for one refresh reads D1; the test holds it.
    scene.around = async (what, call) => {
      if (what === REFRESH && calls.length > 1) await released.promise
      return call()
    }
    const slow = Promise.all([post(first.token), post(waiting.token)])
    expect((await Promise.all([post(a.token), post(b.token)])).map(({ status }) => status)).toEqual([
      200, 200,
    ])
    expect(calls).toEqual([REFRESH, refreshesText(3), REFRESH])
    expect(await seqOf(waiting.sid)).toEqual([{ seq: 1, ended_at: null }])
    released.resolve()
    expect((await slow).map(({ status }) => status)).toEqual([200, 200])
    await server.settle()
  })

  it('while D1 is down, only the refreshes that need it fail, and their tokens stay unused', async () => {
    const { sessions, refreshAll } = await newScene()
    const [first, waiting, a, b] = sessions
    const object = objectOf(first.sid)
    await readObject(object, 'DELETE FROM users WHERE id = ?', waiting.user.id)
    await wrapMainDatabase(object, (db) => {
      const prepare = (sql: string) => {
        if (sql.includes('FROM clients AS c')) throw new Error('D1 is down')
        return db.prepare(sql)
      }
      return { prepare } as D1Database
    })
    expect(await refreshAll([first, waiting, a, b].map(({ token }) => token))).toEqual([200, 503, 200, 200])
    expect(await seqOf(waiting.sid)).toEqual([{ seq: 1, ended_at: null }])
  })

  it('an object of an older version gets a call for each refresh', async () => {
    const { sessions, calls, scene, refreshAll } = await newScene()
    scene.around = async (what, call) => {
      if (what === refreshesText(3)) {
        const method = 'anOlderVersion'
        const stub = objectOf(sessions[0].sid) as unknown as Record<string, () => Promise<never>>
        return stub[method]?.() as never
      }
      return call()
    }
    expect(await refreshAll(sessions.map(({ token }) => token))).toEqual([200, 200, 200, 200])
    expect(calls).toEqual([REFRESH, refreshesText(3), REFRESH, REFRESH, REFRESH])
  })

  it.each([60, 0])(
    'refreshes wait for a slow shared call and call nothing themselves, with a retry window of %i s',
    async (seconds) => {
      const { sessions, calls, scene, refreshAll } = await newScene({ refresh_retry_window: seconds })
      scene.around = async (what, call) => {
        const result = await call()
        if (what === refreshesText(3)) await pause(SLOW_MS)
        return result
      }
      expect(await refreshAll(sessions.map(({ token }) => token))).toEqual([200, 200, 200, 200])
      expect(calls).toEqual([REFRESH, refreshesText(3)])
      for (const { sid } of sessions) expect(await seqOf(sid)).toEqual([{ seq: 2, ended_at: null }])
    },
  )

  it('a shared call judges its refreshes one after the other', async () => {
    const { server, client, sessions, post } = await newScene()
    const [first, { token, sid }] = sessions
    const { refresh_token: next = '' } = await server.refresh(client, token)
    const responses = await Promise.all([first.token, token, next].map(post))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await seqOf(sid)).toEqual([{ seq: 3, ended_at: null }])
  })

  it.each(['rotate', 'until_used', 'fixed'] as const)(
    'with the policy %s, each response of a shared call is about the session of its own token',
    async (refreshPolicy) => {
      const { server, calls } = await newScene()
      const client = await server.addClient({ confidential: true, refreshPolicy })
      const users = await Promise.all(Array.from({ length: 6 }, () => server.addUser()))
      const signIns = users.map(({ username }) => server.signIn(client, username))
      const tokens = (await Promise.all(signIns)).map(({ refresh_token = '' }) => refresh_token)
      for (let round = 0; round < 3; round++) {
        calls.length = 0
        // Each token is used twice at the same time.
        const responses = await Promise.all(
          [...tokens, ...tokens].map((token) => server.refresh(client, token)),
        )
        expect(calls).toContain(refreshesText(11))
        for (const [i, { access_token, refresh_token = '' }] of responses.entries()) {
          const at = i % users.length
          const { sid } = decodeJwt<{ sid: string }>(tokens[at] ?? '')
          for (const token of [access_token, refresh_token])
            expect(decodeJwt(token)).toMatchObject({ sub: users[at]?.id, sid })
        }
        for (const at of tokens.keys()) tokens[at] = responses[at]?.refresh_token ?? ''
      }
      await server.settle()
      expect(await auditOf({ kind: 'theft' })).toEqual([])
    },
  )
})
