import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, CALLBACK, CODE_CLIENT, exchangeOf, readCode } from '../support/authorize.ts'
import { readFeed } from '../support/feed.ts'
import { ISSUER, type TestClient, TestServer } from '../support/server.ts'

const PATH = '/oauth2-token/authorize-visitor'

const CROSS_SITE_FORM = {
  Origin: 'https://app.test',
  'Content-Type': 'application/x-www-form-urlencoded',
}

/** The address of `authorize-visitor` for a request of a client, without the issuer. */
function visitorPath(client: TestClient, changes: Record<string, string | undefined> = {}): string {
  return authorizeUrl(client, changes).replace(`${ISSUER}/oauth2-token/authorize`, PATH)
}

/** The parameters that the client receives. */
function received(response: Response): Record<string, string> {
  expect([response.status, response.headers.getSetCookie()]).toEqual([303, []])
  const url = new URL(response.headers.get('Location') ?? '')
  expect(url.origin + url.pathname).toBe(CALLBACK)
  return Object.fromEntries(url.searchParams)
}

describe('authorize-visitor', () => {
  const server = new TestServer()
  let client: TestClient

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
  })

  async function newCode(): Promise<string> {
    return received(await server.fetch(visitorPath(client))).code ?? ''
  }

  it('each request gives a code for a new guest, and the exchange gives the tokens of a guest', async () => {
    const first = received(await server.fetch(visitorPath(client)))
    expect(Object.keys(first)).toEqual(['code', 'state', 'iss'])
    const tokens = await server.requireTokens(exchangeOf(client, first.code ?? null))
    expect(tokens.scope).toBe('cart catalog')
    const claims = decodeJwt(tokens.access_token)
    expect(claims).toMatchObject({ sub: expect.stringMatching(/^visitor:.{22}$/), scope: 'cart catalog' })
    expect(claims).not.toHaveProperty('auth_time')
    const refreshed = await server.refresh(client, tokens.refresh_token)
    expect(decodeJwt(refreshed.access_token)).toMatchObject({ sub: claims.sub, sid: claims.sid })
    const second = await readCode(server, await newCode())
    expect(second.sub).not.toBe(claims.sub)
  })

  it('a second use of the code ends the session of the guest, and the feed does not list it', async () => {
    const code = await newCode()
    const tokens = await server.requireTokens(exchangeOf(client, code))
    expect((await server.postJson(exchangeOf(client, code))).status).toBe(400)
    await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    const { sid } = await readCode(server, code)
    expect(await server.services.shards.findList(sid)?.find(sid)).toMatchObject({
      endReason: 'replayed authorization code',
    })
    expect(JSON.stringify(await readFeed(server))).not.toContain(sid)
  })

  it('the server drops the scopes that a guest cannot have, and the client gets invalid_scope if no scope is left', async () => {
    const some = received(await server.fetch(visitorPath(client, { scope: 'openid orders cart' })))
    expect((await readCode(server, some.code ?? null)).scope).toEqual(['cart'])
    expect(received(await server.fetch(visitorPath(client, { scope: 'openid orders' })))).toEqual({
      error: 'invalid_scope',
      error_description: 'A guest cannot have the requested scope.',
      state: 'st',
      iss: ISSUER,
    })
  })

  it('a third-party client and a client of an API without guests get unauthorized_client', async () => {
    const clients = [
      await server.addClient({ ...CODE_CLIENT, isFirstParty: false }),
      await server.addClient({ ...CODE_CLIENT, api: 'backoffice' }),
    ]
    for (const refused of clients)
      expect(received(await server.fetch(visitorPath(refused)))).toEqual({
        error: 'unauthorized_client',
        error_description: 'Guests need a first-party client of an API with guests.',
        state: 'st',
        iss: ISSUER,
      })
  })

  it('a third-party client gets no tokens for the code of a guest', async () => {
    const { code = null } = received(await server.fetch(visitorPath(client)))
    const other = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    const content = await readCode(server, code)
    const moved = await server.services.codes.seal({ ...content, client: other.id })
    const response = await server.postJson(exchangeOf(other, moved))
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'The authorization code is invalid.' },
    ])
  })

  it('an unproven client or redirect URI gets a page or JSON, and never a redirect', async () => {
    const oro = new TestServer({ config: { errors: 'oro' }, clock: server.clock })
    for (const changes of [
      { client_id: 'unknown' },
      { redirect_uri: 'https://app.test.evil.test/callback' },
      { redirect_uri: 'https://app.test@evil.test/callback' },
      { redirect_uri: 'https:\\\\app.test\\callback' },
      { redirect_uri: '//app.test/callback' },
      { redirect_uri: 'https://app.test/%63allback' },
      { redirect_uri: 'https://аpp.test/callback' },
      { redirect_uri: 'com.example.app:/callback' },
      { redirect_uri: 'javascript:alert(1)' },
    ]) {
      const path = visitorPath(client, changes)
      const page = await server.fetch(path, { headers: { Accept: 'text/html' } })
      const [json, other] = [await server.fetch(path), await oro.fetch(path)]
      const answers = [page, json, other].map(({ status, headers }) => [status, headers.get('Location')])
      expect([changes, ...answers]).toEqual([changes, [400, null], [400, null], [401, null]])
      expect(await page.text()).toContain('This sign-in link does not work')
      expect(await json.json()).toMatchObject({ error: 'invalid_request' })
      expect(await other.json()).toMatchObject({ error: 'invalid_client' })
    }
  })

  it('authorize-visitor accepts only GET', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const response = await server.fetch(visitorPath(client), { method, headers: CROSS_SITE_FORM })
      expect([method, response.status, response.headers.get('Allow')]).toEqual([method, 405, 'GET, HEAD'])
    }
  })

  it('a guest uses the budget of guests at authorize-visitor and at the exchange', async () => {
    const keys: string[] = []
    let isOver = false
    const binding = {
      limit: async ({ key = '' }) => {
        keys.push(key)
        return { success: !isOver }
      },
    }
    const limited = new TestServer({ env: { GUEST_LIMIT: binding } })
    const headers = { 'CF-Connecting-IP': '198.51.100.9' }
    const { code = null } = received(await limited.fetch(visitorPath(client), { headers }))
    expect(keys).toEqual([`guests ${client.id} 198.51.100.9`])
    isOver = true
    expect(received(await limited.fetch(visitorPath(client), { headers }))).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'There were too many requests. Try again in a minute.',
      state: 'st',
      iss: ISSUER,
    })
    const busy = await limited.postJson(exchangeOf(client, code), headers)
    expect([busy.status, busy.headers.get('Retry-After')]).toEqual([429, '60'])
    isOver = false
    expect((await limited.postJson(exchangeOf(client, code), headers)).status).toBe(200)
    expect(keys.length).toBe(4)
  })
})
