import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  basic,
  configText,
  credentials,
  PASSWORD,
  STOREFRONT_AUDIENCE,
  TestServer,
} from './support/server.ts'
import { verify } from './support/tokens.ts'

const WRONG_CREDENTIALS = {
  error: 'invalid_grant',
  error_description: 'The user credentials were incorrect.',
}

describe('the password grant', () => {
  it('the response has exactly the documented members, in order, and headers', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const response = await server.postJson({
      grant_type: 'password',
      ...credentials(client),
      username: user.username,
      password: PASSWORD,
      scope: 'cart orders',
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
    expect(response.headers.get('Pragma')).toBe('no-cache')
    const answer = await response.json<Record<string, unknown>>()
    expect(Object.keys(answer)).toEqual(['token_type', 'expires_in', 'access_token', 'refresh_token'])
    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
  })

  it('a customer signs in with any case and Unicode form of the name', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const unique = crypto.randomUUID()
    const user = await server.addUser({ username: `Zoë-${unique}@example.com` })
    const answer = await server.signIn(client, `ZOE\u0308-${unique}@EXAMPLE.COM`)
    expect(decodeJwt(answer.access_token).sub).toBe(user.id)
  })

  it('a back-office token has the roles of the member of staff', async () => {
    const server = new TestServer()
    const client = await server.addClient({ api: 'backoffice' })
    const user = await server.addUser({ pool: 'staff', roles: ['admin', 'support'] })
    const answer = await server.signIn(client, user.username)
    const { payload } = await verify(server, answer.access_token, { audience: 'https://shop.test/admin/api' })
    expect(payload).toMatchObject({ sub: user.id, roles: ['admin', 'support'], scope: 'users orders' })
  })

  it('JSON and form get the same response, with credentials in the body or as Basic', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const parameters = { grant_type: 'password', username: user.username, password: PASSWORD, scope: 'cart' }
    const inBody = { ...parameters, ...credentials(client) }
    const authorization = { Authorization: basic(client.id, client.secret) }
    const responses = [
      await server.postJson(inBody),
      await server.postForm(inBody),
      await server.postJson(parameters, {
        ...authorization,
        'Content-Type': 'application/json; charset=utf-8',
      }),
      await server.postForm(parameters, authorization),
    ]
    for (const response of responses) {
      expect(response.status).toBe(200)
      const { access_token, refresh_token, ...rest } = await response.json<Record<string, string>>()
      expect(rest).toEqual({ token_type: 'Bearer', expires_in: 3600 })
      expect(decodeJwt(access_token ?? '')).toMatchObject({
        sub: user.id,
        aud: STOREFRONT_AUDIENCE,
        scope: 'cart',
      })
      expect(decodeJwt(refresh_token ?? '')).toMatchObject({ sub: user.id, seq: 0 })
    }
  })

  it('the password grant is refused unless the client lists it', async () => {
    const server = new TestServer()
    const client = await server.addClient({ grants: ['client_credentials'] })
    const user = await server.addUser()
    const response = await server.postJson({
      grant_type: 'password',
      ...credentials(client),
      username: user.username,
      password: PASSWORD,
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: 'unauthorized_client',
      error_description: 'The client is not allowed to use this grant type.',
    })
  })

  it('every failed sign-in gets a byte-equal response', async () => {
    const server = new TestServer()
    const storefront = await server.addClient()
    const backoffice = await server.addClient({ api: 'backoffice' })
    const customer = await server.addUser()
    const disabled = await server.addUser({ enabled: false })
    const staff = await server.addUser({ pool: 'staff' })
    const attempts = {
      'an unknown user': [storefront, 'nobody@example.com', PASSWORD],
      'a wrong password': [storefront, customer.username, 'not the password'],
      'a disabled user': [storefront, disabled.username, PASSWORD],
      'a user of the other API': [storefront, staff.username, PASSWORD],
      'a customer at the back office': [backoffice, customer.username, PASSWORD],
      'a guest at the back office': [backoffice, 'guest', 'guest'],
      'a guest with another password': [storefront, 'guest', PASSWORD],
      'a password of 129 characters': [storefront, customer.username, 'x'.repeat(129)],
      'a NUL in the password': [storefront, customer.username, `${PASSWORD}\0`],
      'a NUL in the name': [storefront, `${customer.username}\0`, PASSWORD],
      'an unpaired surrogate': [storefront, customer.username, `${PASSWORD}\ud800`],
    } as const
    const answers = new Set<string>()
    for (const [client, username, password] of Object.values(attempts)) {
      const response = await server.postJson({
        grant_type: 'password',
        ...credentials(client),
        username,
        password,
      })
      answers.add(JSON.stringify([response.status, [...response.headers], await response.json()]))
    }
    expect([...answers].map((answer) => JSON.parse(answer))).toEqual([
      [400, expect.anything(), WRONG_CREDENTIALS],
    ])
  })

  it('an unknown user costs one full hash, as a wrong password does', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    let hashes = 0
    const { passwords } = server.services
    const verifyPassword = passwords.verify.bind(passwords)
    passwords.verify = (...parameters) => {
      hashes++
      return verifyPassword(...parameters)
    }
    const attempt = (username: string) =>
      server.postJson({ grant_type: 'password', ...credentials(client), username, password: 'wrong' })
    await attempt('nobody@example.com')
    expect(hashes).toBe(1)
    await attempt(user.username)
    expect(hashes).toBe(2)
  })

  it('a password can have 128 characters and any Unicode form', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const longest = '🔑'.repeat(128)
    const long = await server.addUser({ password: longest })
    await server.signIn(client, long.username, longest)
    const accented = await server.addUser({ password: 'pâtisserie ①' })
    await server.signIn(client, accented.username, 'pa\u0302tisserie 1')
  })

  it('the refusal names the missing parameter; an empty parameter is missing (RFC 6749 §3.1)', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    for (const missing of ['username', 'password']) {
      const parameters = { grant_type: 'password', ...credentials(client), username: 'a', password: 'b' }
      for (const body of [
        { ...parameters, [missing]: undefined },
        { ...parameters, [missing]: '' },
      ]) {
        const response = await server.postJson(body)
        expect(response.status).toBe(400)
        expect(await response.json()).toEqual({
          error: 'invalid_request',
          error_description: `The parameter ${missing} is missing.`,
        })
      }
    }
  })
})

describe('scope', () => {
  it.each([
    ['no requested scope', undefined, 'cart orders catalog', 'cart orders catalog'],
    ['an empty parameter', '', 'cart orders catalog', 'cart orders catalog'],
    ['a part of the scopes', 'orders', undefined, 'orders'],
    ['a repeated token', 'orders orders', 'orders', 'orders'],
  ])(
    'the response has the scope if it differs from the requested scope: %s',
    async (_case, asked, announced, granted) => {
      const server = new TestServer()
      const client = await server.addClient()
      const user = await server.addUser()
      const parameters = { grant_type: 'password', ...credentials(client), username: user.username }
      const answer = await server.requireTokens({ ...parameters, password: PASSWORD, scope: asked })
      expect(answer.scope).toBe(announced)
      expect(decodeJwt(answer.access_token).scope).toBe(granted)
    },
  )

  it.each([['unknown'], ['cart unknown'], ['orders'], [' '], ['   ']])(
    'a scope that is not allowed, or has no token, is refused: %j',
    async (scope) => {
      const server = new TestServer()
      const client = await server.addClient({ scopes: ['cart', 'catalog', 'retired'] })
      const user = await server.addUser()
      const parameters = { grant_type: 'password', ...credentials(client), username: user.username }
      const response = await server.postJson({ ...parameters, password: PASSWORD, scope })
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual({
        error: 'invalid_scope',
        error_description: 'The requested scope is unknown or more than the client may have.',
      })
    },
  )
})

describe('lifetimes', () => {
  it('config.yml sets the lifetimes, for each API', async () => {
    const apis = {
      storefront: { audience: STOREFRONT_AUDIENCE, users: 'customers', access_token_lifetime: 900 },
      backoffice: { audience: 'https://shop.test/admin/api', users: 'staff', refresh_token_lifetime: 7200 },
    }
    const server = new TestServer({ config: { access_token_lifetime: 1200, apis } })
    const shop = await server.signIn(await server.addClient(), (await server.addUser()).username)
    const office = await server.signIn(
      await server.addClient({ api: 'backoffice' }),
      (await server.addUser({ pool: 'staff' })).username,
    )
    const lifetime = (token = '') => {
      const { iat = 0, exp = 0 } = decodeJwt(token)
      return exp - iat
    }
    expect([shop.expires_in, lifetime(shop.access_token), lifetime(shop.refresh_token)]).toEqual([
      900, 900, 2592000,
    ])
    expect([office.expires_in, lifetime(office.access_token), lifetime(office.refresh_token)]).toEqual([
      1200, 1200, 7200,
    ])
  })

  it('the response has no refresh token if config.yml turns refresh tokens off', async () => {
    const server = new TestServer({ config: { enable_refresh_token: false } })
    const answer = await server.signIn(await server.addClient(), (await server.addUser()).username)
    expect(answer).not.toHaveProperty('refresh_token')
    expect(configText({ enable_refresh_token: false })).toContain('enable_refresh_token: false')
  })
})
