import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { callAdmin, problem, TestOperator } from '../support/operator.ts'
import { credentials, PASSWORD, TestServer } from '../support/server.ts'
import { disableClient, disableUser, signOutUser } from '../support/sign_out.ts'

const UNAUTHENTICATED = problem(
  401,
  'unauthenticated',
  'A live access token of an operator or a service account is required',
)

async function expectRefused(server: TestServer, token: string): Promise<void> {
  const { status, headers, body } = await callAdmin(server, '/users', {
    headers: { Authorization: `Bearer ${token}` },
  })
  expect([status, body]).toEqual([401, UNAUTHENTICATED])
  expect(headers.get('WWW-Authenticate')).toBe('Bearer realm="sallyport-admin", error="invalid_token"')
  expect(headers.get('Content-Type')).toBe('application/problem+json')
  expect(headers.get('Cache-Control')).toBe('no-store, no-transform')
}

describe('the admin API', () => {
  it('a request without a token gets a challenge without an error code (RFC 6750 §3.1)', async () => {
    const { status, headers, body } = await callAdmin(new TestServer(), '/me')
    expect([status, body]).toEqual([401, UNAUTHENTICATED])
    expect(headers.get('WWW-Authenticate')).toBe('Bearer realm="sallyport-admin"')
  })

  it('the admin API refuses tokens of the storefront, the back office, guests and their machines', async () => {
    const server = new TestServer()
    const storefront = await server.addClient()
    const customer = await server.addUser({ roles: ['admin'] })
    const office = await server.addClient({ api: 'backoffice' })
    const staff = await server.addUser({ pool: 'staff', roles: ['admin'] })
    await expectRefused(server, (await server.signIn(storefront, customer.username)).access_token)
    await expectRefused(server, (await server.signIn(office, staff.username)).access_token)
    await expectRefused(server, (await server.signIn(storefront, 'guest', 'guest')).access_token)
    for (const machine of [storefront, office]) {
      const tokens = await server.requireTokens({ grant_type: 'client_credentials', ...credentials(machine) })
      await expectRefused(server, tokens.access_token)
    }
  })

  it('the admin API refuses refresh tokens and texts that are not tokens', async () => {
    const server = new TestServer()
    const { tokens } = await TestOperator.signIn(server)
    for (const token of [tokens.refresh_token, `${tokens.access_token}x`, 'garbage']) {
      await expectRefused(server, token ?? '')
    }
    const basic = await callAdmin(server, '/me', {
      headers: { Authorization: `Basic ${tokens.access_token}` },
    })
    expect([basic.status, basic.body]).toEqual([401, UNAUTHENTICATED])
  })

  it('the admin API refuses an operator at once after a sign-out, a disable, a move, or the end of session or client', async () => {
    const endings: ((server: TestServer, operator: TestOperator) => Promise<unknown>)[] = [
      async (server) => (server.clock.time += 3600),
      (server, { id }) => signOutUser(server, id),
      (server, { id }) => disableUser(server, id),
      (server, { client }) => disableClient(server, client.id),
      (server, { client, tokens }) =>
        server.postJson({ ...credentials(client), token: tokens.refresh_token }, {}, '/oauth2-token/revoke'),
      (_server, { id }) => env.DB.prepare("UPDATE users SET pool = 'staff' WHERE id = ?").bind(id).run(),
      (_server, { id }) => env.DB.prepare('DELETE FROM users WHERE id = ?').bind(id).run(),
    ]
    for (const end of endings) {
      const server = new TestServer()
      const operator = await TestOperator.signIn(server)
      expect((await operator.get('/me')).status).toBe(200)
      await end(server, operator)
      await expectRefused(server, operator.tokens.access_token)
    }
  })

  it('the roles in the database decide: a demoted admin loses access at once', async () => {
    const server = new TestServer()
    const [boss, demoted] = [await TestOperator.signIn(server), await TestOperator.signIn(server)]
    await boss.patch(`/users/${demoted.id}`, { roles: ['support'] }, '"1"')
    await expectRefused(server, demoted.tokens.access_token)
    await demoted.refresh()
    const refused = await demoted.post('/users', {})
    expect([refused.status, refused.body]).toEqual([
      403,
      problem(403, 'role-missing', 'The role of the operator does not allow this', {
        detail: 'The operation requires the role admin.',
      }),
    ])
    expect((await demoted.get('/users')).status).toBe(200)
    await boss.patch(`/users/${demoted.id}`, { roles: [] }, '"2"')
    await demoted.refresh()
    expect((await demoted.get('/users')).status).toBe(403)
  })

  it('an operator who must change the password can do only that', async () => {
    const server = new TestServer()
    const [boss, operator] = [await TestOperator.signIn(server), await TestOperator.signIn(server)]
    await boss.patch(`/users/${operator.id}`, { must_change_password: true }, '"1"')
    const refused = await operator.get('/users')
    expect([refused.status, refused.body]).toEqual([
      403,
      problem(403, 'password-change-required', 'The operator must change the password first', {
        detail: 'Set a new password with POST /admin/api/me/password.',
      }),
    ])
    expect((await operator.get('/me')).body).toMatchObject({ id: operator.id, must_change_password: true })
    const wrong = await operator.post('/me/password', {
      current_password: 'mistyped',
      password: 'another one',
    })
    expect([wrong.status, wrong.body]).toEqual([
      403,
      problem(403, 'wrong-password', 'Your own password is wrong'),
    ])
    const changed = await operator.post('/me/password', {
      current_password: PASSWORD,
      password: 'another one',
    })
    expect(changed.status).toBe(200)
    await expectRefused(server, operator.tokens.access_token)
    operator.tokens = { ...operator.tokens, ...changed.body }
    expect((await operator.get('/users')).status).toBe(200)
    await operator.signInAgain('another one')
    expect((await operator.get('/me')).body).toMatchObject({ must_change_password: false })
  })

  it('support cannot change operators, their sessions or their clients', async () => {
    const server = new TestServer()
    const [boss, support] = [
      await TestOperator.signIn(server),
      await TestOperator.signIn(server, ['support']),
    ]
    const { sid } = (await boss.get('/me')).body
    const attempts = [
      support.post(`/users/${boss.id}/disable`),
      support.post(`/users/${boss.id}/sign-out`),
      support.delete(`/users/${boss.id}/factors`),
      support.post(`/clients/${boss.client.id}/disable`),
      support.post(`/clients/${boss.client.id}/sign-out`),
      support.delete(`/sessions/${sid}`),
    ]
    for (const response of await Promise.all(attempts)) {
      expect([response.status, response.body.type]).toEqual([403, 'urn:problem-type:sallyport:role-missing'])
    }
    expect((await boss.get('/me')).status).toBe(200)
  })

  it('the admin API responds with JSON at every path and method, with Allow, and without CORS', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    for (const path of ['', '/', '/nothing', '/users/user:x/nothing', '/%00', '/clients/']) {
      const response = await operator.get(path)
      expect([response.status, response.body]).toEqual([
        404,
        problem(404, 'not-found', 'The record or path does not exist', {
          detail: 'The path does not exist.',
        }),
      ])
    }
    const Origin = 'https://www.shop.test'
    for (const [method, path, allow] of [
      ['PUT', '/users', 'GET, HEAD, POST'],
      ['OPTIONS', '/clients/shop', 'GET, HEAD, PATCH, DELETE'],
      ['GET', '/clients/shop/disable', 'POST'],
      ['POST', '/openapi.json', 'GET, HEAD'],
    ] as const) {
      const response = await operator.call(method, path, { headers: { Origin } })
      expect([response.status, response.headers.get('Allow')]).toEqual([405, allow])
      expect(response.body).toEqual(
        problem(405, 'method-not-allowed', 'The path does not have this method', {
          detail: `The path has the methods ${allow}.`,
        }),
      )
      expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull()
    }
    const head = await operator.call('HEAD', '/users', { headers: { Origin } })
    expect([head.status, head.body]).toEqual([200, {}])
    expect(head.headers.get('Access-Control-Allow-Origin')).toBeNull()
  })

  it('the admin API is 404 if config.yml has no admin_api', async () => {
    const server = new TestServer({ config: { admin_api: undefined } })
    const operator = await TestOperator.signIn(server)
    for (const path of ['/me', '/openapi.json', '']) {
      const response = await operator.get(path)
      expect([response.status, response.body]).toEqual([
        404,
        { error: 'invalid_request', error_description: 'There is no such endpoint.' },
      ])
    }
  })
})
