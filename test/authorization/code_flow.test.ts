import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  readCode,
  signInAt,
} from '../support/authorize.ts'
import { CUSTOMER_PLACES } from '../support/customer_places.ts'
import { ISSUER, STOREFRONT_AUDIENCE, type TestClient, TestServer } from '../support/server.ts'

describe.each(CUSTOMER_PLACES)('the authorization code flow, with customers in $name', ({ config }) => {
  const server = new TestServer({ config })
  let client: TestClient
  let username: string
  let userId: string

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
    const user = await server.addUser()
    username = user.username
    userId = user.id
  })

  it('a user signs in on the page, and the client exchanges the code for tokens', async () => {
    const response = await authorize(server, client, { username })
    expect([...response.keys()]).toEqual(['code', 'state', 'iss'])
    expect(response.get('state')).toBe('st')
    expect(response.get('iss')).toBe(ISSUER)
    const tokens = await server.requireTokens(exchangeOf(client, response.get('code')))
    const claims = decodeJwt(tokens.access_token)
    expect(claims).toMatchObject({ sub: userId, client_id: client.id, amr: ['pwd'], acr: 'urn:sallyport:1' })
    expect(claims.auth_time).toBe(server.clock.time)
    const refreshed = await server.refresh(client, tokens.refresh_token)
    expect(decodeJwt(refreshed.access_token)).toMatchObject({ sub: userId, sid: claims.sid, amr: ['pwd'] })
  })

  it('a second client of the pool gets a code without a page', async () => {
    const other = await server.addClient(CODE_CLIENT)
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const page = await browser.open(authorizeUrl(other))
    expect(page.url.href).toMatch(`${CALLBACK}?code=`)
    const tokens = await server.requireTokens(exchangeOf(other, page.url.searchParams.get('code')))
    expect(decodeJwt(tokens.access_token).sub).toBe(userId)
  })

  it('a second use of a code ends its session, and the client gets invalid_grant', async () => {
    const code = (await authorize(server, client, { username })).get('code')
    const tokens = await server.requireTokens(exchangeOf(client, code))
    const again = await server.postJson(exchangeOf(client, code))
    expect(again.status).toBe(400)
    expect(await again.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'The authorization code is invalid.',
    })
    const refresh = await server.postJson({
      grant_type: 'refresh_token',
      client_id: client.id,
      refresh_token: tokens.refresh_token,
    })
    expect(refresh.status).toBe(400)
    const { sid } = await readCode(server, code)
    expect(await server.services.shards.findList(sid)?.find(sid)).toMatchObject({
      endReason: 'replayed authorization code',
    })
  })

  it('a third-party client gets a code after the user consents, and the next request shows no page', async () => {
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Partner' })
    const browser = browserOf(server)
    await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    const page = await signInAt(browser, username)
    expect(page.html).toContain('Allow Partner to use your account?')
    const end = await browser.press('Allow')
    await server.requireTokens(exchangeOf(partner, end.url.searchParams.get('code')))
    const again = await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    expect(again.url.origin).toBe('https://app.test')
    const more = await browser.open(authorizeUrl(partner, { scope: 'cart orders' }))
    expect(more.html).toContain('orders')
  })

  it('the requests can name the API of the client as the resource, with a trailing slash (RFC 8707 §2)', async () => {
    const changes = { resource: STOREFRONT_AUDIENCE }
    const code = (await authorize(server, client, { username, changes })).get('code')
    const exchange = exchangeOf(client, code, { resource: `${STOREFRONT_AUDIENCE}/` })
    const tokens = await server.requireTokens(exchange)
    expect(decodeJwt(tokens.access_token).aud).toBe(STOREFRONT_AUDIENCE)
  })

  it.each([
    ['no scope', { scopes: [] }, undefined],
    ['only offline_access', {}, 'offline_access'],
  ])('a third-party client needs a consent for a request with %s', async (_what, fields, scope) => {
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, ...fields })
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const silent = await browser.open(authorizeUrl(partner, { scope, prompt: 'none' }))
    expect(silent.url.searchParams.get('error')).toBe('consent_required')
    await browser.open(authorizeUrl(partner, { scope }))
    const end = await browser.press('Allow')
    await server.requireTokens(exchangeOf(partner, end.url.searchParams.get('code')))
    const again = await browser.open(authorizeUrl(partner, { scope, prompt: 'none' }))
    expect(again.url.searchParams.get('code')).not.toBeNull()
  })
})
