import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { readFeed } from '../support/feed.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'
import { readUserDatabases } from '../support/user_databases.ts'

const LAST_ADMIN = problem(409, 'last-admin', 'An enabled admin must remain', {
  detail: 'Make another user an admin first.',
})

describeCustomers('a user', () => {
  it('a new user has the given fields, signs in, and has a unique name in the pool', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const username = `ZOE-${crypto.randomUUID()}@example.com`
    const draft = {
      pool: 'customers',
      username,
      password: PASSWORD,
      roles: ['wholesale'],
      profile: { name: 'Zoë', email: 'zoe@example.com' },
      must_change_password: true,
    }
    const { status, headers, body } = await operator.post('/users', draft)
    expect([status, headers.get('ETag')]).toEqual([201, '"1"'])
    expect(headers.get('Location')).toBe(`/admin/api/users/${body.id}`)
    const now = server.clock.time
    expect(body).toEqual({
      id: expect.stringMatching(/^user:/),
      pool: 'customers',
      username: username.toLowerCase(),
      username_warnings: [],
      roles: ['wholesale'],
      profile: draft.profile,
      email_verified: false,
      enabled: true,
      must_change_password: true,
      password_breached: false,
      deletion_at: null,
      created_at: now,
      updated_at: now,
      tokens_valid_from: null,
    })
    const { access_token } = await server.signIn(client, username)
    expect(decodeJwt(access_token)).toMatchObject({
      sub: body.id,
      roles: ['wholesale'],
      must_change_password: true,
    })
    expect(await operator.post('/users', { ...draft, username: username.toLowerCase() })).toMatchObject({
      status: 409,
      body: problem(409, 'duplicate', 'The name is taken', {
        errors: [{ path: 'username', message: 'is taken in this pool' }],
      }),
    })
    expect((await operator.post('/users', { ...draft, pool: 'staff' })).status).toBe(201)
    const other = await server.addUser()
    const renamed = await operator.patch(`/users/${other.id}`, { username }, '"1"')
    expect([renamed.status, renamed.body.type]).toEqual([409, 'urn:problem-type:sallyport:duplicate'])
  })

  it('users are found by a part of the name, by id, pool, role and state, in pages', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const mark = crypto.randomUUID().slice(0, 8)
    const users = [
      await server.addUser({ username: `${mark}-a`, roles: ['x'] }),
      await server.addUser({ username: `${mark}-b`, enabled: false }),
      await server.addUser({ username: `${mark}-c`, pool: 'staff', roles: ['x', 'y'] }),
      await server.addUser({ username: `%-${mark}` }),
    ]
    const idsOf = async (query: string) => {
      const { body } = await operator.get(`/users?${query}`)
      return (body.items as { id: string }[]).map(({ id }) => id)
    }
    const [a, b, c, d] = users.map(({ id }) => id)
    expect(await idsOf(`q=${mark.toUpperCase()}-`)).toEqual([a, b, c])
    expect(await idsOf(`q=${mark}`)).toEqual([d, a, b, c])
    expect(await idsOf(`q=${mark}&role=x&pool=staff`)).toEqual([c])
    expect(await idsOf(`q=${mark}&enabled=false`)).toEqual([b])
    expect(await idsOf(`id=${c}`)).toEqual([c])
    const first = await operator.get(`/users?q=${mark}&limit=2`)
    expect(await idsOf(`q=${mark}&limit=2&cursor=${first.body.next_cursor}`)).toEqual([b, c])
  })

  it('the profile of a user is in no token, and new roles apply at the next refresh', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    const tokens = await server.signIn(client, user.username)
    const profile = { name: 'Amanda Example' }
    const edit = { roles: ['vip'], profile, must_change_password: true }
    expect((await operator.patch(`/users/${user.id}`, edit, '"1"')).body).toMatchObject(edit)
    const { access_token } = await server.refresh(client, tokens.refresh_token)
    const claims = decodeJwt(access_token)
    expect(claims).toMatchObject({ roles: ['vip'], must_change_password: true })
    expect(JSON.stringify(claims)).not.toContain('Amanda')
    const { results } = await env.DB.prepare(
      "SELECT change FROM audit_events WHERE subject = ? AND kind = 'admin'",
    )
      .bind(user.id)
      .all<{ change: string }>()
    expect(results.map(({ change }) => JSON.parse(change))).toEqual([
      {
        operation: 'updateUser',
        fields: ['roles', 'profile', 'must_change_password'],
        from: { roles: [], must_change_password: false },
        to: { roles: ['vip'], must_change_password: true },
      },
    ])
  })

  it.each([
    ['disabled', '/disable', undefined, 'the user was disabled'],
    ['signed out everywhere', '/sign-out', undefined, 'signed out everywhere'],
    ['given a new password', '/password', { password: 'a new password' }, 'the password was changed'],
  ])('a user loses every session when %s, with one event', async (_case, action, body, reason) => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    const { refresh_token } = await server.signIn(client, user.username)
    await operator.confirm()
    const response = await operator.post(`/users/${user.id}${action}`, body)
    expect([response.status, response.body.tokens_valid_from]).toEqual([200, server.clock.time + 3])
    await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
    const { revocations } = await readFeed(server)
    expect(revocations).toContainEqual({ sub: user.id, before: server.clock.time + 3 })
    expect(await auditOf({ subject: user.id, kind: 'cut_off' })).toEqual([
      expect.objectContaining({ reason, actor: operator.id, actor_client: operator.client.id }),
    ])
  })

  it('a user who is enabled again gets no old session back', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    const { refresh_token } = await server.signIn(client, user.username)
    await operator.post(`/users/${user.id}/disable`)
    await expect(server.signIn(client, user.username)).rejects.toThrow('invalid_grant')
    await operator.post(`/users/${user.id}/enable`)
    await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
    expect(await server.signIn(client, user.username)).toMatchObject({ token_type: 'Bearer' })
  })

  it('a deleted user loses every session, and only the id stays in the audit trail', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    const { refresh_token } = await server.signIn(client, user.username)
    expect((await operator.delete(`/users/${user.id}`, '"1"')).status).toBe(204)
    await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
    await expect(server.signIn(client, user.username)).rejects.toThrow('invalid_grant')
    expect((await readFeed(server)).revocations).toContainEqual({
      sub: user.id,
      before: server.clock.time + 3,
    })
    expect((await operator.get(`/audit?subject=${user.id}&kind=cut_off`)).body.items).toMatchObject([
      { reason: 'the user was deleted', change: { operation: 'deleteUser' }, actor: operator.id },
    ])
    for (const table of ['users', 'sessions', 'audit_events', 'cutoffs', 'name_reservations']) {
      const rows = await readUserDatabases(`SELECT * FROM ${table}`)
      expect(JSON.stringify(rows)).not.toContain(user.username)
    }
  })
})

describe('the last admin', () => {
  beforeEach(emptyStores)

  it('the last admin cannot be demoted, and an operator cannot disable or delete the own account', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const path = `/users/${operator.id}`
    for (const roles of [[], ['support']]) {
      expect(await operator.patch(path, { roles }, '"1"')).toMatchObject({ status: 409, body: LAST_ADMIN })
    }
    const oneself = problem(409, 'oneself', 'Operators cannot do this to themselves', {
      detail: 'Another admin can do it.',
    })
    expect(await operator.post(`${path}/disable`)).toMatchObject({ status: 409, body: oneself })
    expect(await operator.delete(path, '"1"')).toMatchObject({ status: 409, body: oneself })
    expect((await operator.get('/me')).body).toMatchObject({ roles: ['admin'] })
    expect(await auditOf({ actor: operator.id })).toEqual([])
  })

  it('one admin remains if two admins demote, disable or delete each other in parallel', async () => {
    const attacks: ((by: TestOperator, other: TestOperator) => Promise<{ status: number }>)[] = [
      (by, other) => by.patch(`/users/${other.id}`, { roles: ['support'] }, '"1"'),
      (by, other) => by.post(`/users/${other.id}/disable`),
      (by, other) => by.delete(`/users/${other.id}`, '"1"'),
    ]
    for (const attack of attacks) {
      await emptyStores()
      const server = new TestServer()
      const [one, two] = [await TestOperator.signIn(server), await TestOperator.signIn(server)]
      await server.addUser({ pool: 'operators', roles: ['admin'], enabled: false })
      await server.addUser({ pool: 'staff', roles: ['admin'] })
      const statuses = await Promise.all([attack(one, two), attack(two, one)])
      expect(statuses.filter(({ status }) => status < 300)).toHaveLength(1)
      const { results } = await env.DB.prepare(
        `SELECT id FROM users WHERE pool = 'operators' AND enabled = 1 AND roles LIKE '%"admin"%'`,
      ).all()
      expect(results).toHaveLength(1)
      expect(await auditOf({ subject: one.id, actor: two.id })).toHaveLength(
        results[0]?.id === one.id ? 0 : 1,
      )
    }
  })
})
