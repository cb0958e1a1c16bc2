import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { problem, TestOperator } from './support/operator.ts'
import {
  basic,
  credentials,
  PASSWORD,
  type TestClient,
  TestServer,
  type TokenAnswer,
} from './support/server.ts'

const TOO_MANY = {
  error: 'temporarily_unavailable',
  error_description: 'There were too many attempts. Try again later.',
}

/** A binding with so much for each key. */
function budgetOf(size: number): RateLimit {
  const spent = new Map<string, number>()
  return {
    async limit({ key = '' }) {
      spent.set(key, (spent.get(key) ?? 0) + 1)
      return { success: (spent.get(key) ?? 0) <= size }
    },
  }
}

const BINDINGS = [
  'SIGN_IN_LIMIT',
  'GUESS_LIMIT',
  'GUEST_LIMIT',
  'INTROSPECTION_LIMIT',
  'REFRESH_LIMIT',
  'REVOCATION_LIMIT',
  'CLIENT_REVOCATION_LIMIT',
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
  it('are limited for each client and address, and never keep a customer or a machine from a token', async () => {
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

  it('have four budgets for all /64s of an IPv6 /48 together', async () => {
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

  it('have the budget of wrangler.toml, near the caller', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const guest = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
    const statuses: number[] = []
    for (let i = 0; i < 601; i++) statuses.push((await server.postJson(guest, HERE)).status)
    // The binding counts by the minute of the clock, which may change meanwhile.
    expect(statuses.slice(0, 300)).toEqual(Array(300).fill(200))
    if (new Set(statuses).size > 1) expect(statuses.at(-1)).toBe(429)
  })
})

describe('guesses', () => {
  it('of client secrets are limited for each address, and never cost the right one its token', async () => {
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

  it('of refresh tokens are limited for each client and address, and use nothing up', async () => {
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
  it('by a public client are limited for each address, and use nothing up past it', async () => {
    const server = limitedServer(2)
    const client = await server.addClient({ confidential: false })
    const { refresh_token: first } = await server.signIn(client, 'guest', 'guest')
    const post = (refresh_token: string | undefined, address: Record<string, string>) =>
      server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token }, address)
    let token = first
    for (let i = 0; i < 2; i++) token = (await (await post(token, HERE)).json<TokenAnswer>()).refresh_token
    await expectTooMany(await post(token, HERE))
    expect((await post(token, THERE)).status).toBe(200)
  })

  it('by a confidential client are limited for each session, so that its other users go on', async () => {
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

describe('a refresh token that has expired', () => {
  it('is no guess: a shop whose server refreshes for many gets the same response for each', async () => {
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
  it('by one name from one address are limited before any hash, whether somebody has it or not', async () => {
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
  ])('of an operator’s current password at %s are limited likewise', async (path, rest) => {
    const operator = await TestOperator.signIn(limitedServer(0))
    const body = { current_password: PASSWORD, ...rest }
    const { status, headers, body: answer } = await operator.call('POST', path, { body, headers: HERE })
    expect([status, answer]).toEqual([429, problem(429, 'too-many-attempts', 'There were too many attempts')])
    expect(headers.get('Retry-After')).toBe('60')
  })
})

describe('introspection', () => {
  it('is limited for each client and address', async () => {
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

  it('by a public client are limited for each address, and past it the token lives and nothing is written', async () => {
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

  it('by a client are limited for it, from any address, where the feed would list them', async () => {
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
    // A guest's is not listed, and goes on.
    const [guest] = await tokensOf(server, client, 1)
    expect((await revoke(server, client, guest?.access_token ?? '', from('203.0.113.5'))).status).toBe(200)
  })

  it('of a confidential client cannot be starved by strangers, and need no address', async () => {
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

  it('of a text that is not a token of the server cost no budget', async () => {
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
  ])('whose binding %s refuses nobody', async (_case, binding) => {
    const env = Object.fromEntries(BINDINGS.map((name) => [name, binding]))
    const server = new TestServer({ env })
    const client = await server.addClient()
    const guest = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
    expect((await server.postJson(guest, HERE)).status).toBe(200)
  })
})
