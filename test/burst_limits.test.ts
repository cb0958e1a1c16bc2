import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { budgetOf } from './support/burst_budget.ts'
import { problem, TestOperator } from './support/operator.ts'
import {
  basic,
  credentials,
  PASSWORD,
  type TestClient,
  TestServer,
  type TokenResponse,
} from './support/server.ts'
import { TestServiceAccount } from './support/service_account.ts'

const TOO_MANY = {
  error: 'temporarily_unavailable',
  error_description: 'There were too many attempts. Try again later.',
}

const BINDINGS = [
  'SIGN_IN_LIMIT',
  'GUESS_LIMIT',
  'GUEST_LIMIT',
  'INTROSPECTION_LIMIT',
  'REFRESH_LIMIT',
  'REVOCATION_LIMIT',
  'CLIENT_REVOCATION_LIMIT',
  'SERVICE_ACCOUNT_LIMIT',
] as const

function limitedServer(size: number): TestServer {
  return new TestServer({ env: Object.fromEntries(BINDINGS.map((name) => [name, budgetOf(size)])) })
}

const from = (address: string) => ({ 'CF-Connecting-IP': address })
const HERE = from('203.0.113.1')
const THERE = from('203.0.113.2')

async function expectTooMany(response: Response): Promise<void> {
  expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '60'])
  expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
  expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  expect(await response.json()).toEqual(TOO_MANY)
}

describe('guests', () => {
  it('guests have a budget for each client and address, and never affect customers or machines', async () => {
    const server = limitedServer(2)
    const [client, other] = [await server.addClient(), await server.addClient()]
    const user = await server.addUser()
    const guest = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
    for (const status of [200, 200]) expect((await server.postJson(guest, HERE)).status).toBe(status)
    await expectTooMany(await server.postJson(guest, HERE))
    const customer = { ...guest, username: user.username, password: PASSWORD }
    const machine = { grant_type: 'client_credentials', ...credentials(client) }
    for (const body of [customer, machine, { ...guest, ...credentials(other) }]) {
      expect((await server.postJson(body, HERE)).status).toBe(200)
    }
    expect((await server.postJson(guest, THERE)).status).toBe(200)
  })

  it('all /64s of an IPv6 /48 have four guest budgets together', async () => {
    const server = limitedServer(2)
    const client = await server.addClient()
    const guest = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
    const statuses: number[] = []
    for (let i = 0; i < 40; i++) {
      statuses.push((await server.postJson(guest, from(`2001:db8:9:${i.toString(16)}::1`))).status)
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(8)
    expect(new Set(statuses.slice(8))).toEqual(new Set([429]))
    expect((await server.postJson(guest, from('2001:db8:a::1'))).status).toBe(200)
  })

  it('the binding in wrangler.toml limits guests', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const guest = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
    const statuses: number[] = []
    for (let i = 0; i < 601; i++) statuses.push((await server.postJson(guest, HERE)).status)
    // The binding counts by the minute of the clock, which can change during the test.
    expect(statuses.slice(0, 300)).toEqual(Array(300).fill(200))
    if (new Set(statuses).size > 1) expect(statuses.at(-1)).toBe(429)
  })
})

describe('guesses', () => {
  it('wrong client secrets have a budget for each address, and the right secret always works', async () => {
    const server = limitedServer(2)
    const client = await server.addClient()
    const post = (secret: string, address: Record<string, string>) =>
      server.postJson(
        { grant_type: 'client_credentials' },
        { Authorization: basic(client.id, secret), ...address },
      )
    for (const status of [401, 401]) expect((await post('wrong', HERE)).status).toBe(status)
    const refused = await post('wrong', HERE)
    expect(refused.headers.get('WWW-Authenticate')).toBe(null)
    await expectTooMany(refused)
    expect((await post('wrong', THERE)).status).toBe(401)
    expect((await post(client.secret, HERE)).status).toBe(200)
  })

  it('invalid refresh tokens have a budget for each client and address, and consume nothing', async () => {
    const server = limitedServer(2)
    const client = await server.addClient()
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    const post = (token: string | undefined, address: Record<string, string>) =>
      server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token: token }, address)
    for (const status of [400, 400]) expect((await post('garbage', HERE)).status).toBe(status)
    await expectTooMany(await post('garbage', HERE))
    expect((await post('garbage', THERE)).status).toBe(400)
    expect((await post(refresh_token, HERE)).status).toBe(200)
  })
})

describe('refreshes', () => {
  it('refreshes by a public client have a budget for each address, and consume nothing above it', async () => {
    const server = limitedServer(2)
    const client = await server.addClient({ confidential: false })
    const { refresh_token: first } = await server.signIn(client, 'guest', 'guest')
    const post = (refresh_token: string | undefined, address: Record<string, string>) =>
      server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token }, address)
    let token = first
    for (let i = 0; i < 2; i++) token = (await (await post(token, HERE)).json<TokenResponse>()).refresh_token
    await expectTooMany(await post(token, HERE))
    expect((await post(token, THERE)).status).toBe(200)
  })

  it('refreshes by a confidential client have a budget for each session, so that other users continue', async () => {
    const server = limitedServer(2)
    const client = await server.addClient()
    const post = (refresh_token: string | undefined) =>
      server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token }, HERE)
    const { refresh_token: hostile } = await server.signIn(client, 'guest', 'guest')
    for (const status of [200, 200]) expect((await post(hostile)).status).toBe(status)
    await expectTooMany(await post(hostile))
    for (let i = 0; i < 5; i++) {
      const { refresh_token } = await server.signIn(client, 'guest', 'guest')
      expect((await post(refresh_token)).status).toBe(200)
    }
  })
})

describe('an expired refresh token', () => {
  it('an expired refresh token does not count as a guess', async () => {
    const server = limitedServer(2)
    const client = await server.addClient()
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    const { sid, sub: subject } = decodeJwt<{ sid: string }>(refresh_token ?? '')
    server.clock.time += 31 * 86_400
    const body = { grant_type: 'refresh_token', ...credentials(client), refresh_token }
    for (let i = 0; i < 4; i++) {
      const response = await server.postJson(body, HERE)
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: 'invalid_grant', error_description: 'The refresh token is invalid.' },
      ])
    }
    const events = await auditOf({ sid, kind: 'refresh_refused' })
    expect(events).toHaveLength(4)
    expect(events[0]).toMatchObject({ subject, reason: 'ERR_JWT_EXPIRED exp' })
  })
})

describe('sign-ins', () => {
  it('sign-ins with one name from one address are limited before any hash, also for unknown names', async () => {
    const server = limitedServer(2)
    const client = await server.addClient()
    const user = await server.addUser()
    const post = (username: string, address: Record<string, string>) =>
      server.postJson(
        { grant_type: 'password', ...credentials(client), username, password: PASSWORD },
        address,
      )
    for (const [username, status] of [
      [user.username, 200],
      ['nobody@example.com', 400],
    ] as const) {
      for (let i = 0; i < 2; i++) expect((await post(username, HERE)).status).toBe(status)
      await expectTooMany(await post(username.toUpperCase(), HERE))
    }
    expect((await post(user.username, THERE)).status).toBe(200)
  })

  it.each([
    ['/me/password', { password: 'another password' }],
    ['/me/confirm', {}],
  ])('attempts at an operator’s current password at %s are limited like sign-ins', async (path, rest) => {
    const operator = await TestOperator.signIn(limitedServer(0))
    const body = { current_password: PASSWORD, ...rest }
    const { status, headers, body: answer } = await operator.call('POST', path, { body, headers: HERE })
    expect([status, answer]).toEqual([429, problem(429, 'too-many-attempts', 'There were too many attempts')])
    expect(headers.get('Retry-After')).toBe('60')
  })
})

describe('introspection', () => {
  it('introspection has a budget for each client and address', async () => {
    const server = limitedServer(2)
    const client = await server.addClient()
    const post = (address: Record<string, string>) =>
      server.postJson({ ...credentials(client), token: 'x' }, address, '/oauth2-token/introspect')
    for (const status of [200, 200]) expect((await post(HERE)).status).toBe(status)
    await expectTooMany(await post(HERE))
    expect((await post(THERE)).status).toBe(200)
  })
})

describe('revocations', () => {
  const revoke = (server: TestServer, client: TestClient, token: string, address = HERE) =>
    server.postJson({ ...credentials(client), token }, address, '/oauth2-token/revoke')
  const tokensOf = (server: TestServer, client: TestClient, count: number) =>
    Promise.all(Array.from({ length: count }, () => server.signIn(client, 'guest', 'guest')))

  it('revocations by a public client have a budget for each address; above it nothing is revoked or written', async () => {
    const server = limitedServer(2)
    const client = await server.addClient({ confidential: false })
    const tokens = await tokensOf(server, client, 4)
    const [first, second, third, fourth] = tokens.map(({ access_token }) => access_token)
    for (const token of [first, second]) expect((await revoke(server, client, token ?? '')).status).toBe(200)
    await expectTooMany(await revoke(server, client, third ?? ''))
    const { sid } = decodeJwt<{ sid: string }>(third ?? '')
    expect(await env.DB.prepare('SELECT 1 FROM sessions WHERE sid = ?').bind(sid).first()).toBe(null)
    expect(await auditOf({ sid, kind: 'revoke' })).toEqual([])
    await server.refresh(client, tokens[2]?.refresh_token)
    expect((await revoke(server, client, fourth ?? '', THERE)).status).toBe(200)
  })

  it('revocations that the feed lists have a budget for each client, over all addresses', async () => {
    const server = limitedServer(2)
    const client = await server.addClient({ confidential: false })
    const { username } = await server.addUser()
    const addresses = [1, 2, 3, 4].map((i) => from(`203.0.113.${i}`))
    const statuses = []
    for (const address of addresses) {
      const { access_token } = await server.signIn(client, username)
      statuses.push((await revoke(server, client, access_token, address)).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429])
    // The feed does not list guests, so their revocations continue.
    const [guest] = await tokensOf(server, client, 1)
    expect((await revoke(server, client, guest?.access_token ?? '', from('203.0.113.5'))).status).toBe(200)
  })

  it('unauthenticated callers cannot use the revocation budget of a confidential client', async () => {
    const server = limitedServer(2)
    const [client, other] = [await server.addClient(), await server.addClient({ confidential: false })]
    const strangers = await tokensOf(server, other, 3)
    for (const { access_token } of strangers) await revoke(server, other, access_token)
    const wrong = { ...client, secret: 'wrong' }
    for (let i = 0; i < 2; i++) expect((await revoke(server, wrong, 'x')).status).toBe(401)
    const machine = { grant_type: 'client_credentials', ...credentials(client) }
    const statuses = []
    for (const address of [HERE, {}, HERE]) {
      const { access_token } = await server.requireTokens(machine)
      const body = { ...credentials(client), token: access_token }
      statuses.push((await server.postJson(body, address, '/oauth2-token/revoke')).status)
    }
    expect(statuses).toEqual([200, 200, 429])
  })

  it('the revocation of an unknown token uses no budget', async () => {
    const server = limitedServer(1)
    const client = await server.addClient()
    for (let i = 0; i < 3; i++) expect((await revoke(server, client, 'garbage')).status).toBe(200)
  })
})

describe('a limit', () => {
  it.each([
    ['is missing', undefined],
    ['fails', { limit: () => Promise.reject(new Error('away')) }],
    ['does not answer', { limit: () => new Promise(() => {}) }],
  ])('a limit whose binding %s refuses no request', async (_case, binding) => {
    const env = Object.fromEntries(BINDINGS.map((name) => [name, binding]))
    const server = new TestServer({ env })
    const client = await server.addClient()
    const guest = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
    expect((await server.postJson(guest, HERE)).status).toBe(200)
  })
})

describe('the budget of a service account', () => {
  it('each service account has a budget of requests, also refused ones, from any address', async () => {
    const server = limitedServer(3)
    const [account, other] = [
      await TestServiceAccount.withScopes(server, ['users:read']),
      await TestServiceAccount.withScopes(server, ['users:read']),
    ]
    const operator = await TestOperator.signIn(server)
    const statuses: number[] = []
    for (const path of ['/users', '/keys', '/users']) statuses.push((await account.get(path)).status)
    expect(statuses).toEqual([200, 403, 200])
    const refused = await account.call('GET', '/users', { headers: THERE })
    expect([refused.status, refused.headers.get('Retry-After'), refused.body]).toEqual([
      429,
      '60',
      problem(429, 'too-many-requests', 'The budget of the caller is used up', {
        detail: 'It has sent too many requests.',
      }),
    ])
    expect(refused.headers.get('Content-Type')).toBe('application/problem+json')
    expect((await other.get('/users')).status).toBe(200)
    for (let i = 0; i < 5; i++) expect((await operator.get('/users')).status).toBe(200)
  })
})
