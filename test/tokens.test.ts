import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  BACKOFFICE_AUDIENCE,
  credentials,
  ISSUER,
  STOREFRONT_AUDIENCE,
  TestServer,
} from './support/server.ts'
import { verify } from './support/tokens.ts'

async function issueAll() {
  const server = new TestServer()
  const shop = await server.addClient()
  const office = await server.addClient({ api: 'backoffice' })
  const customer = await server.addUser()
  const staff = await server.addUser({ pool: 'staff', roles: ['admin'] })
  return {
    server,
    shop,
    customer,
    ofCustomer: await server.signIn(shop, customer.username),
    ofGuest: await server.signIn(shop, 'guest', 'guest'),
    ofStaff: await server.signIn(office, staff.username),
    ofMachine: await server.requireTokens({ grant_type: 'client_credentials', ...credentials(shop) }),
  }
}

describe('an access token', () => {
  it('an access token has exactly the documented claims and no personal data', async () => {
    const { server, shop, customer, ofCustomer, ofGuest, ofStaff, ofMachine } = await issueAll()
    const always = ['iss', 'aud', 'sub', 'client_id', 'iat', 'exp', 'jti']
    const ofSignIn = ['auth_time', 'amr', 'acr']
    expect(Object.keys(decodeJwt(ofCustomer.access_token))).toEqual([...always, 'sid', 'scope', ...ofSignIn])
    expect(Object.keys(decodeJwt(ofGuest.access_token))).toEqual([...always, 'sid', 'scope'])
    expect(Object.keys(decodeJwt(ofStaff.access_token))).toEqual([
      ...always,
      'sid',
      'scope',
      'roles',
      ...ofSignIn,
    ])
    expect(Object.keys(decodeJwt(ofMachine.access_token))).toEqual([...always, 'scope'])
    expect(decodeJwt(ofCustomer.access_token)).toEqual({
      iss: ISSUER,
      aud: STOREFRONT_AUDIENCE,
      sub: customer.id,
      client_id: shop.id,
      iat: server.clock.time,
      exp: server.clock.time + 3600,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      sid: expect.stringMatching(/^s1\.[A-Za-z0-9_-]{22}$/),
      scope: 'cart orders catalog',
      auth_time: server.clock.time,
      amr: ['pwd'],
      acr: 'urn:sallyport:1',
    })
    expect(decodeJwt(ofMachine.access_token).sub).toBe(shop.id)
  })

  it('an access token names its type and its key by the RFC 7638 thumbprint', async () => {
    const { server, ofCustomer } = await issueAll()
    const header = decodeProtectedHeader(ofCustomer.access_token)
    expect(header).toEqual({ alg: 'ES256', kid: expect.any(String), typ: 'at+jwt' })
    const { keys } = await (await server.fetch('/.well-known/jwks.json')).json<{ keys: JsonWebKey[] }>()
    const thumbprints = await Promise.all(keys.map((key) => calculateJwkThumbprint(key)))
    expect(thumbprints).toContain(header.kid)
  })

  it('only the API in the aud accepts an access token, and no API accepts a refresh token', async () => {
    const { server, ofCustomer, ofStaff } = await issueAll()
    const office = { audience: BACKOFFICE_AUDIENCE }
    await verify(server, ofCustomer.access_token)
    await verify(server, ofStaff.access_token, office)
    await expect(verify(server, ofStaff.access_token)).rejects.toThrow('unexpected "aud" claim value')
    await expect(verify(server, ofCustomer.access_token, office)).rejects.toThrow(
      'unexpected "aud" claim value',
    )
    for (const tokens of [ofCustomer, ofStaff]) {
      const refreshToken = tokens.refresh_token ?? ''
      await expect(verify(server, refreshToken)).rejects.toThrow('unexpected "typ" JWT header value')
      await expect(verify(server, refreshToken, office)).rejects.toThrow('unexpected "typ" JWT header value')
      // An API that does not check the type refuses it too.
      await expect(verify(server, refreshToken, { typ: 'rt+jwt' })).rejects.toThrow(
        'unexpected "aud" claim value',
      )
    }
  })

  it('an expired access token is refused', async () => {
    const { server, ofCustomer } = await issueAll()
    server.clock.time += 3600
    await expect(verify(server, ofCustomer.access_token)).rejects.toThrow(
      '"exp" claim timestamp check failed',
    )
  })

  it('the iss is the issuer of config.yml and does not depend on the request', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const forged = {
      Host: 'evil.example',
      'X-Forwarded-Host': 'evil.example',
      Forwarded: 'host=evil.example',
    }
    const body = { grant_type: 'client_credentials', ...credentials(client) }
    const response = await server.postJson(body, forged)
    const { access_token } = await response.json<{ access_token: string }>()
    expect(decodeJwt(access_token).iss).toBe(ISSUER)
    const metadata = await server.fetch('/.well-known/oauth-authorization-server', { headers: forged })
    expect(await metadata.text()).not.toContain('evil')
  })
})

describe('a refresh token', () => {
  it('a refresh token has exactly the documented claims', async () => {
    const { server, shop, customer, ofCustomer, ofMachine } = await issueAll()
    const sid = decodeJwt(ofCustomer.access_token).sid
    expect(decodeProtectedHeader(ofCustomer.refresh_token ?? '').typ).toBe('rt+jwt')
    expect(decodeJwt(ofCustomer.refresh_token ?? '')).toEqual({
      iss: ISSUER,
      aud: ISSUER,
      sub: customer.id,
      client_id: shop.id,
      iat: server.clock.time,
      exp: server.clock.time + 2592000,
      jti: `${sid}.0`,
      sid,
      scope: 'cart orders catalog',
      auth_time: server.clock.time,
      amr: ['pwd'],
      acr: 'urn:sallyport:1',
      api: 'storefront',
      seq: 0,
    })
    expect(ofMachine).not.toHaveProperty('refresh_token')
  })
})
