import { expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { credentials, type TestClient, TestServer } from '../support/server.ts'

const NO_FACTS = {
  last_sign_in_at: null,
  failed_sign_ins_today: 0,
  failures: 0,
  locked_until: null,
  live_sessions: 0,
}

async function setUp() {
  const limits = { failures: 3, lock: 600, longest_lock: 3600 }
  const server = new TestServer({ config: { sign_in_limits: { account: limits } } })
  const support = await TestOperator.signIn(server, ['support'])
  const client = await server.addClient()
  const user = await server.addUser()
  return { server, support, client, user }
}

async function guess(server: TestServer, client: TestClient, username: string): Promise<number> {
  const body = { grant_type: 'password', ...credentials(client), username, password: 'wrong' }
  return (await server.postJson(body)).status
}

describeCustomers('the support of a user', () => {
  it('support reads the last sign-in, the failures, the lock and the live sessions of a user, and unlocks the account', async () => {
    const { server, support, client, user } = await setUp()
    const path = `/users/${user.id}`
    expect((await support.get(`${path}/support`)).body).toEqual(NO_FACTS)
    const { refresh_token } = await server.signIn(client, user.username)
    await server.signIn(client, user.username)
    await server.refresh(client, refresh_token)
    const signedInAt = server.clock.time
    // The lock of an account ends the sessions of the minute before it.
    server.clock.time += 61
    for (let i = 0; i < 3; i++) await guess(server, client, user.username)
    const facts = { ...NO_FACTS, last_sign_in_at: signedInAt, live_sessions: 2 }
    const { status, body } = await support.get(`${path}/support`)
    expect([status, body]).toEqual([
      200,
      { ...facts, failed_sign_ins_today: 3, locked_until: server.clock.time + 600 },
    ])
    await expect(server.signIn(client, user.username)).rejects.toThrow('invalid_grant')

    const unlocked = await support.post(`${path}/unlock`)
    expect([unlocked.status, unlocked.body]).toMatchObject([
      200,
      { locked_until: null, failures: 0, live_sessions: 2 },
    ])
    await server.anotherIsolate().signIn(client, user.username)
    expect((await support.post(`${path}/unlock`)).status).toBe(200)
    const events = await auditOf({ subject: user.id, actor: support.id })
    expect(events).toMatchObject([{ kind: 'admin', reason: 'the account was unlocked', outcome: 'ok' }])
  })

  it('the next lock after an unlock is longer, until a sign-in', async () => {
    const { server, support, client, user } = await setUp()
    const path = `/users/${user.id}`
    const lockAccount = async () => {
      for (let i = 0; i < 3; i++) await guess(server, client, user.username)
      return Number((await support.get(`${path}/support`)).body.locked_until) - server.clock.time
    }
    const locks = [await lockAccount()]
    await support.post(`${path}/unlock`)
    locks.push(await lockAccount())
    await support.post(`${path}/unlock`)
    await server.signIn(client, user.username)
    locks.push(await lockAccount())
    expect(locks).toEqual([600, 1200, 600])
  })
})

it('support cannot unlock an operator, and no operator can unlock the own account', async () => {
  const { server, support } = await setUp()
  const admin = await TestOperator.signIn(server)
  const refused = await support.post(`/users/${admin.id}/unlock`)
  expect([refused.status, refused.body]).toEqual([
    403,
    problem(403, 'role-missing', 'The role of the operator does not allow this', {
      detail: 'A change of an operator is allowed only for operators with the role admin.',
    }),
  ])
  const own = await admin.post(`/users/${admin.id}/unlock`)
  expect([own.status, own.body]).toEqual([
    409,
    problem(409, 'oneself', 'Operators cannot do this to themselves', { detail: 'Another admin can do it.' }),
  ])
  expect((await admin.post(`/users/${support.id}/unlock`)).status).toBe(200)
  for (const path of ['/users/user:unknown/unlock', '/users/user:unknown/support']) {
    const method = path.endsWith('unlock') ? 'POST' : 'GET'
    expect((await admin.call(method, path)).status).toBe(404)
  }
})

it('support requires a password change of a customer, and not of an operator', async () => {
  const { server, support, user } = await setUp()
  const changed = await support.post(`/users/${user.id}/require-password-change`)
  expect([changed.status, changed.body]).toMatchObject([200, { id: user.id, must_change_password: true }])
  expect(changed.headers.get('ETag')).toBe('"2"')
  const admin = await TestOperator.signIn(server)
  expect((await support.post(`/users/${admin.id}/require-password-change`)).status).toBe(403)
})

it('support cannot disable a client', async () => {
  const { support, client } = await setUp()
  expect((await support.post(`/clients/${client.id}/disable`)).status).toBe(403)
  expect((await support.get(`/clients/${client.id}`)).body).toMatchObject({ enabled: true })
})
