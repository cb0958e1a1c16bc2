import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { readFeed } from '../support/feed.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { credentials, type TestClient, TestServer, type TokenResponse } from '../support/server.ts'
import { runAlarms } from '../support/session_objects.ts'
import { describeStores } from '../support/session_stores.ts'

const SHARDS = {
  session_shards: [
    { name: 's1', binding: 'DB' },
    { name: 'eu', binding: 'SESSIONS_EU', continents: ['EU'] },
  ],
}

interface Shown {
  sid: string
  state: string
  refreshes: number
  ended_at: number | null
  end_reason: string | null
}

/** The id of a session with its state, and the time and the reason of its end. */
const endOf = (session: Shown) =>
  [session.sid, [session.state, session.ended_at, session.end_reason]] as const

const sidOf = ({ access_token }: TokenResponse) => decodeJwt<{ sid: string }>(access_token).sid

async function list(operator: TestOperator, query: string): Promise<Shown[]> {
  const shown: Shown[] = []
  let cursor: unknown = null
  do {
    const { status, body } = await operator.get(
      `/sessions?${query}${cursor === null ? '' : `&cursor=${cursor}`}`,
    )
    expect(status).toBe(200)
    shown.push(...(body.items as Shown[]))
    cursor = body.next_cursor
  } while (cursor !== null)
  return shown
}

async function tell(operator: TestOperator, sid: string) {
  const { body } = await operator.get(`/sessions/${sid}/timeline`)
  const events = body.events as { kind: string; reason: string; actor: string | null }[]
  return {
    ending: body.ending,
    events: events.map(({ kind, reason }) => [kind, reason]),
    last: events.at(-1),
  }
}

async function setUp() {
  const server = new TestServer()
  const operator = await TestOperator.signIn(server)
  const client = await server.addClient()
  const user = await server.addUser()
  return { server, operator, client, user }
}

async function revoke(server: TestServer, client: TestClient, token: string | undefined): Promise<void> {
  await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/revoke')
}

describeStores('the list of sessions', () => {
  it('the list has each session once, newest first, over every shard and page', async () => {
    const server = new TestServer({ config: SHARDS, env: {} })
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    const expected: string[] = []
    for (let i = 0; i < 12; i++) {
      server.continent = i % 3 === 0 ? 'EU' : null
      const tokens = await server.signIn(client, user.username)
      if (i % 2 === 0) await server.refresh(client, tokens.refresh_token)
      // Some sessions in an object are in the index, and some are not yet.
      if (i === 6) await runAlarms()
      expected.unshift(sidOf(tokens))
      // Some begin in the same second.
      if (i % 4 !== 0) server.clock.time += 1
    }
    const bySid = (a: string, b: string) => (a < b ? 1 : -1)
    for (const owner of [
      `subject=${user.id}`,
      `client_id=${client.id}`,
      `subject=${user.id}&client_id=${client.id}`,
    ]) {
      for (const limit of [1, 2, 3, 5, 100]) {
        const shown = await list(operator, `${owner}&limit=${limit}`)
        expect(shown.map(({ sid }) => sid).sort(bySid)).toEqual([...expected].sort(bySid))
        expect(shown.every(({ state }) => state === 'live')).toBe(true)
      }
    }
    expect(await list(operator, 'subject=user:nobody')).toEqual([])
  })

  it('the list has the state of each session: live, ended, revoked or expired', async () => {
    const { server, operator, client, user } = await setUp()
    const [ended, out, late] = [
      await server.signIn(client, user.username),
      await server.signIn(client, user.username),
      await server.signIn(client, 'guest', 'guest'),
    ]
    await server.refresh(client, out.refresh_token)
    await revoke(server, client, ended.refresh_token)
    await operator.post(`/users/${user.id}/sign-out`)
    server.clock.time += 10
    const fresh = await server.signIn(client, user.username)
    const refreshed = await server.refresh(client, fresh.refresh_token)
    const states = Object.fromEntries(
      (await list(operator, `subject=${user.id}`)).map(({ sid, state }) => [sid, state]),
    )
    expect(states).toEqual({ [sidOf(ended)]: 'ended', [sidOf(out)]: 'cut_off', [sidOf(refreshed)]: 'live' })
    const now = server.clock.time
    expect((await operator.get(`/sessions/${sidOf(fresh)}`)).body).toEqual({
      sid: sidOf(fresh),
      subject: user.id,
      subject_name: user.username,
      client_id: client.id,
      client_name: 'A test client',
      api: 'storefront',
      state: 'live',
      started_at: now,
      refresh_policy: 'rotate',
      refreshes: 1,
      last_refreshed_at: now,
      expires_at: now + 2_592_000,
      ended_at: null,
      end_reason: null,
      device: null,
      country: null,
    })
    server.clock.time += 2_592_000
    await operator.signInAgain()
    expect((await operator.get(`/sessions/${sidOf(late)}`)).body).toMatchObject({ state: 'expired' })
    await operator.post(`/clients/${client.id}/disable`)
    expect((await operator.get(`/sessions/${sidOf(late)}`)).body).toMatchObject({ state: 'expired' })
  })

  it('a session that began just after a revocation is live', async () => {
    const { server, operator, client, user } = await setUp()
    const before = await server.signIn(client, user.username)
    await operator.post(`/users/${user.id}/sign-out`)
    server.clock.time += 1
    const after = await server.signIn(client, user.username)
    expect((await operator.get(`/sessions/${sidOf(before)}`)).body).toMatchObject({ state: 'cut_off' })
    expect((await operator.get(`/sessions/${sidOf(after)}`)).body).toMatchObject({ state: 'live' })
    await server.refresh(client, after.refresh_token)
    expect((await operator.get(`/sessions/${sidOf(after)}`)).body).toMatchObject({ state: 'live' })
  })
})

describeStores('a session that an operator ends', () => {
  it.each([true, false])(
    'the session ends at once and the feed lists it; refreshed before: %s',
    async (isRefreshed) => {
      const { server, operator, client, user } = await setUp()
      const first = await server.signIn(client, user.username)
      const { refresh_token } = isRefreshed ? await server.refresh(client, first.refresh_token) : first
      const other = await server.signIn(client, user.username)
      const sid = sidOf(first)
      for (let i = 0; i < 2; i++) {
        const response = await operator.delete(`/sessions/${sid}`)
        expect([response.status, response.body]).toEqual([204, {}])
      }
      await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
      await server.refresh(client, other.refresh_token)
      expect((await readFeed(server)).revocations).toContainEqual({ sid, before: server.clock.time + 60 })
      expect(await auditOf({ sid, actor: operator.id })).toEqual([
        expect.objectContaining({
          kind: 'revoke',
          outcome: 'ok',
          reason: 'ended by an operator',
          subject: user.id,
        }),
      ])
    },
  )

  it('an unknown session is 404', async () => {
    const { operator } = await setUp()
    for (const sid of ['s1.nothing', 'moon.nothing', '%20']) {
      for (const call of [operator.get(`/sessions/${sid}`), operator.delete(`/sessions/${sid}`)]) {
        expect(await call).toMatchObject({
          status: 404,
          body: problem(404, 'not-found', 'The record or path does not exist', {
            detail: 'The session does not exist.',
          }),
        })
      }
    }
  })
})

describe('the timeline of a session', () => {
  it('the timeline has the sign-in, refreshes, a retry and the theft that ended the session', async () => {
    const { server, operator, client, user } = await setUp()
    const first = await server.signIn(client, user.username)
    await server.refresh(client, first.refresh_token)
    await server.refresh(client, first.refresh_token)
    expect(await tell(operator, sidOf(first))).toMatchObject({
      ending: 'The session is live. A refresh extends it.',
    })
    server.clock.time += 61
    await expect(server.refresh(client, first.refresh_token)).rejects.toThrow('invalid_grant')
    expect(await tell(operator, sidOf(first))).toMatchObject({
      ending: 'The session ended because an old refresh token was used again: it may be stolen (theft).',
      events: [
        ['issue', 'password'],
        ['refresh', 'token 0 was exchanged for token 1'],
        ['retry', 'token 0 was exchanged for token 1'],
        ['theft', 'token 0 was used again after the retry window'],
        ['refresh_refused', 'token 0 was used again after the retry window'],
      ],
    })
  })

  it('the timeline has the revocation of its user or client with the actor, and no other revocation', async () => {
    for (const of of ['user', 'client'] as const) {
      const { server, operator, client, user } = await setUp()
      await operator.post(`/users/${user.id}/sign-out`)
      server.clock.time += 10
      const tokens = await server.signIn(client, user.username)
      server.clock.time += 10
      await operator.post(`/users/${(await server.addUser()).id}/sign-out`)
      const path = of === 'user' ? `/users/${user.id}/disable` : `/clients/${client.id}/disable`
      await operator.post(path)
      const [reason, because] =
        of === 'user'
          ? ['the user was disabled', 'the user was disabled']
          : ['the client was disabled', 'its client was disabled']
      expect(await tell(operator, sidOf(tokens))).toMatchObject({
        ending: `The session ended because ${because}, by the operator ${operator.username}.`,
        events: [
          ['issue', 'password'],
          ['cut_off', reason],
        ],
        last: { actor: operator.id },
      })
    }
  })

  it('the timeline ends with the event that ended the session', async () => {
    const { server, operator, client, user } = await setUp()
    const tokens = await server.signIn(client, user.username)
    server.clock.time += 10
    const at = server.clock.time
    await operator.post(`/users/${user.id}/sign-out`)
    server.clock.time += 10
    await operator.post(`/clients/${client.id}/sign-out`)
    server.clock.time += 10
    await operator.delete(`/sessions/${sidOf(tokens)}`)
    const { body } = await operator.get(`/sessions/${sidOf(tokens)}/timeline`)
    expect(body).toMatchObject({
      session: { ended_at: at, end_reason: 'signed out everywhere' },
      end: { at, reason: 'signed out everywhere', actor: operator.id },
      ending: `The session ended because all sessions of the user were ended, by the operator ${operator.username}.`,
    })
  })

  it('a session does not end by the revocation of another session of its user', async () => {
    const { server, operator, client, user } = await setUp()
    const older = sidOf(await server.signIn(client, user.username))
    server.clock.time += 200
    const suspects: string[] = []
    for (let i = 0; i < 3; i++) suspects.push(sidOf(await server.signIn(client, user.username)))
    const lockedAt = server.clock.time
    for (let i = 0; i < 10; i++) {
      const attempt = { grant_type: 'password', ...credentials(client), username: user.username }
      expect((await server.postJson({ ...attempt, password: `wrong ${i}` })).status).toBe(400)
    }
    expect(await tell(operator, older)).toMatchObject({
      ending: 'The session is live. A refresh extends it.',
      events: [['issue', 'password']],
    })
    server.clock.time += 200
    const signedOutAt = server.clock.time
    await operator.post(`/users/${user.id}/sign-out`)
    expect(await tell(operator, older)).toMatchObject({
      ending: `The session ended because all sessions of the user were ended, by the operator ${operator.username}.`,
      events: [
        ['issue', 'password'],
        ['cut_off', 'signed out everywhere'],
      ],
    })
    const locked = 'its account was locked within a minute of the sign-in'
    for (const sid of suspects) {
      expect(await tell(operator, sid)).toMatchObject({
        ending: `The session ended because ${locked}.`,
        events: [
          ['issue', 'password'],
          ['cut_off', locked],
        ],
      })
    }
    const ends = (await list(operator, `subject=${user.id}`)).map(endOf)
    expect(Object.fromEntries(ends)).toEqual({
      ...Object.fromEntries(suspects.map((sid) => [sid, ['ended', lockedAt, locked]])),
      [older]: ['cut_off', signedOutAt, 'signed out everywhere'],
    })
  })

  it.each(['refreshed', 'not refreshed'])(
    'a list has the time and the reason of the first revocation of its user or client; the session: %s',
    async (use) => {
      const { server, operator, client, user } = await setUp()
      await operator.post(`/users/${user.id}/sign-out`)
      server.clock.time += 10
      const tokens = await server.signIn(client, user.username)
      const guest = sidOf(await server.signIn(client, 'guest', 'guest'))
      server.clock.time += 10
      if (use === 'refreshed') await server.refresh(client, tokens.refresh_token)
      server.clock.time += 10
      const signedOutAt = server.clock.time
      await operator.post(`/users/${user.id}/sign-out`)
      server.clock.time += 10
      await operator.post(`/clients/${client.id}/sign-out`)
      const ends = (await list(operator, `client_id=${client.id}`)).map(endOf)
      const ofUser = ['cut_off', signedOutAt, 'signed out everywhere']
      const ofClient = ['cut_off', server.clock.time, "the client's tokens were ended"]
      expect(Object.fromEntries(ends)).toEqual({ [sidOf(tokens)]: ofUser, [guest]: ofClient })
      const { body } = await operator.get(`/sessions/${sidOf(tokens)}`)
      expect(endOf(body as unknown as Shown)).toEqual([sidOf(tokens), ofUser])
    },
  )

  it('a session that expired before the revocation of its user is expired', async () => {
    const { server, operator, client, user } = await setUp()
    const sid = sidOf(await server.signIn(client, user.username))
    server.clock.time += 2_592_000
    await operator.signInAgain()
    await operator.post(`/users/${user.id}/sign-out`)
    const { body } = await operator.get(`/sessions/${sid}`)
    expect(endOf(body as unknown as Shown)).toEqual([sid, ['expired', null, null]])
    expect(await tell(operator, sid)).toMatchObject({
      ending: expect.stringMatching(/^The session expired/),
      events: [['issue', 'password']],
    })
  })

  it('a session keeps the reason of its end after the sweep removed its row', async () => {
    const { server, operator, client, user } = await setUp()
    const first = await server.signIn(client, user.username)
    await server.refresh(client, first.refresh_token)
    server.clock.time += 61
    const stolenAt = server.clock.time
    await expect(server.refresh(client, first.refresh_token)).rejects.toThrow('invalid_grant')
    server.clock.time += 2_600_000
    await env.DB.prepare('DELETE FROM sessions WHERE sid = ?').bind(sidOf(first)).run()
    await operator.signInAgain()
    const { body } = await operator.get(`/sessions/${sidOf(first)}`)
    const end = ['ended', stolenAt, 'replayed refresh token']
    expect(endOf(body as unknown as Shown)).toEqual([sidOf(first), end])
    expect(await tell(operator, sidOf(first))).toMatchObject({
      ending: expect.stringMatching(/\(theft\)\.$/),
    })
  })

  it('the timeline has the merge of a guest, a revocation, or the expiry', async () => {
    const { server, operator, client, user } = await setUp()
    const guest = await server.signIn(client, 'guest', 'guest')
    await server.requireTokens({
      grant_type: 'password',
      ...credentials(client),
      username: user.username,
      password: 'correct horse battery staple',
      visitor_access_token: guest.access_token,
    })
    expect(await tell(operator, sidOf(guest))).toMatchObject({
      ending: 'The session ended because the guest signed in as a customer, and a new session replaced it.',
      events: [
        ['issue', 'guest'],
        ['merge', `merged into ${user.id}`],
      ],
    })
    const out = await server.signIn(client, user.username)
    await revoke(server, client, out.access_token)
    expect(await tell(operator, sidOf(out))).toMatchObject({
      ending: 'The session ended because its application signed out.',
    })
    const late = await server.signIn(client, user.username)
    server.clock.time += 2_592_000
    await operator.signInAgain()
    expect(await tell(operator, sidOf(late))).toMatchObject({
      ending: expect.stringMatching(/^The session expired/),
    })
  })
})
