import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createVerifier } from '../../packages/verify/src/index.ts'
import { CLAIMS, type ClaimTarget } from '../../src/tokens/claims.ts'
import { CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { D1_DOWN } from '../support/faults.ts'
import {
  BACKOFFICE_AUDIENCE,
  credentials,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
} from '../support/server.ts'
import { disableUser } from '../support/sign_out.ts'

const PATH = '/oauth2-token/userinfo'
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
const ORIGIN = 'https://app.test'

describe('the userinfo endpoint', () => {
  const server = new TestServer()
  let client: TestClient
  let userId: string
  let token: string

  beforeAll(async () => {
    client = await server.addClient({ ...CODE_CLIENT, origins: [ORIGIN] })
    userId = (await server.addUser({ roles: ['vip'] })).id
    const texts = { name: 'Zoë Park', given_name: 'Zoë', family_name: 'Park', locale: 'de-CH' }
    const profile = JSON.stringify({ ...texts, email: 'zoe@example.com', email_verified: true })
    await env.DB.prepare('UPDATE users SET profile = ? WHERE id = ?').bind(profile, userId).run()
    token = (await tokensFor(['openid', 'profile', 'email', 'cart'])).access_token
  })

  async function tokensFor(scope: string[], subject = userId) {
    return server.requireTokens(exchangeOf(client, await newCode(server, client, subject, { scope })))
  }

  const get = (accessToken: string, headers: Record<string, string> = {}) =>
    server.fetch(PATH, { headers: { Authorization: `Bearer ${accessToken}`, ...headers } })

  it('a token gets the claims of its scope, by GET, by POST and in a form (RFC 6750 §2)', async () => {
    const all = {
      sub: userId,
      name: 'Zoë Park',
      given_name: 'Zoë',
      family_name: 'Park',
      locale: 'de-CH',
      updated_at: expect.any(Number),
      email: 'zoe@example.com',
      email_verified: true,
    }
    const responses = [
      await get(token),
      await server.fetch(PATH, { method: 'POST', headers: { Authorization: `bearer ${token}` } }),
      await server.fetch(PATH, { method: 'POST', headers: FORM, body: `access_token=${token}` }),
    ]
    for (const response of responses) {
      expect(response.status).toBe(200)
      expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
      expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
      expect(await response.json()).toEqual(all)
    }
    const bare = await get((await tokensFor(['openid'])).access_token)
    expect(await bare.json()).toEqual({ sub: userId })
  })

  it('a malformed profile affects only the requests for its claims', async () => {
    const { id } = await server.addUser()
    const full = (await tokensFor(['openid', 'profile'], id)).access_token
    await env.DB.prepare(`UPDATE users SET profile = '{"name": 5}' WHERE id = ?`).bind(id).run()
    const bare = await get((await tokensFor(['openid'], id)).access_token)
    expect([bare.status, await bare.json()]).toEqual([200, { sub: id }])
    expect((await get(full)).status).toBe(500)
  })

  it('a token for another API with openid is accepted', async () => {
    const staff = await server.addUser({ pool: 'staff' })
    const office = await server.addClient({ ...CODE_CLIENT, api: 'backoffice' })
    const code = await newCode(server, office, staff.id, { scope: ['openid'], api: 'backoffice' })
    const { access_token } = await server.requireTokens(exchangeOf(office, code))
    expect(decodeJwt(access_token).aud).toBe(BACKOFFICE_AUDIENCE)
    expect(await (await get(access_token)).json()).toEqual({ sub: staff.id })
  })

  it('each refusal has a challenge (RFC 6750 §3)', async () => {
    const shop = await server.addClient()
    const gone = await server.addUser()
    const { access_token: disabled } = await tokensFor(['openid'], gone.id)
    await disableUser(server, gone.id)
    const ended = await tokensFor(['openid'])
    await server.postJson({ client_id: client.id, token: ended.access_token }, {}, '/oauth2-token/revoke')
    const expired = (await tokensFor(['openid'])).access_token
    server.clock.time += 3600
    const late = await get(expired)
    server.clock.time -= 3600
    const invalid = [401, `Bearer realm="${ISSUER}", error="invalid_token"`, 'invalid_token']
    const narrow = [
      403,
      `Bearer realm="${ISSUER}", error="insufficient_scope", scope="openid"`,
      'insufficient_scope',
    ]
    const missing = [401, `Bearer realm="${ISSUER}"`, 'invalid_token']
    const cases: [Response, unknown[]][] = [
      [await server.fetch(PATH), missing],
      [await server.fetch(`${PATH}?access_token=${token}`), missing],
      [await server.fetch(PATH, { method: 'POST', headers: FORM, body: '' }), missing],
      [await get('x'), invalid],
      [await server.fetch(PATH, { headers: { Authorization: 'Basic eDp5' } }), invalid],
      [late, invalid],
      [await get(disabled), invalid],
      [await get(ended.access_token), invalid],
      [await get((await tokensFor(['cart'])).access_token), narrow],
      [await get((await server.signIn(shop, 'guest', 'guest')).access_token), narrow],
    ]
    for (const [response, [status, challenge, error]] of cases) {
      expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([status, challenge])
      expect(await response.json()).toMatchObject({ error })
    }
    const two = { method: 'POST', headers: { ...FORM, Authorization: `Bearer ${token}` } }
    const twice = await server.fetch(PATH, { ...two, body: `access_token=${token}` })
    expect([twice.status, await twice.json()]).toMatchObject([400, { error: 'invalid_request' }])
  })

  it('scripts of the origins of the client can read the response and the challenge', async () => {
    const ofOrigin = { Origin: ORIGIN }
    const preflight = await server.fetch(PATH, {
      method: 'OPTIONS',
      headers: {
        ...ofOrigin,
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'authorization',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
    const post = { method: 'POST', headers: { ...ofOrigin, Authorization: `Bearer ${token}` } }
    const responses = [await get(token, ofOrigin), await server.fetch(PATH, post), await get('x', ofOrigin)]
    for (const response of responses) {
      expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
      expect(response.headers.get('Access-Control-Expose-Headers')).toContain('WWW-Authenticate')
    }
    const foreign = { method: 'POST', headers: { ...post.headers, Origin: 'https://evil.test' } }
    expect((await server.fetch(PATH, foreign)).headers.get('Access-Control-Allow-Origin')).toBeNull()
  })

  it('the endpoint responds with 503 while D1 is unavailable', async () => {
    const away = new TestServer({ clock: server.clock, env: { DB: D1_DOWN } })
    const response = await away.fetch(PATH, { headers: { Authorization: `Bearer ${token}` } })
    expect(response.status).toBe(503)
    expect(response.headers.get('Retry-After')).toBe('2')
  })

  it('verifier, introspection, userinfo and ID token agree on every claim of the table', async () => {
    const shop = await server.addClient()
    const tokens = await tokensFor(['openid', 'profile', 'email', 'cart'])
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: STOREFRONT_AUDIENCE,
      fetch: (url, init) => server.fetch(new URL(url).pathname, init),
    })
    const body = { ...credentials(shop), token: tokens.access_token }
    const introspected = await server.postJson(body, {}, '/oauth2-token/introspect')
    const seen: Partial<Record<ClaimTarget, Record<string, unknown>>> = {
      access_token: decodeJwt(tokens.access_token),
      id_token: decodeJwt(tokens.id_token ?? ''),
      introspection: await introspected.json(),
      userinfo: await (await get(tokens.access_token)).json(),
      verifier: (await verifier.verify(tokens.access_token, { now: server.clock.time })).payload,
    }
    const differs = new Set(['aud', 'exp'])
    for (const { name, targets } of Object.values(CLAIMS)) {
      const values = (Object.keys(seen) as ClaimTarget[])
        .filter((target) => (targets as readonly ClaimTarget[]).includes(target))
        .filter((target) => target !== 'id_token' || !differs.has(name))
        .map((target) => seen[target]?.[name])
      expect([name, new Set(values.map((value) => JSON.stringify(value))).size]).toEqual([
        name,
        values.length === 0 ? 0 : 1,
      ])
    }
  })
})
