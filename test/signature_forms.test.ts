import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { createVerifier } from '../packages/verify/src/verifier.ts'
import { credentials, ISSUER, PASSWORD, STOREFRONT_AUDIENCE, TestServer } from './support/server.ts'
import { withOtherSignature } from './support/tokens.ts'

async function setUp() {
  const server = new TestServer()
  const client = await server.addClient()
  const user = await server.addUser()
  const tokens = await server.signIn(client, user.username)
  const introspect = async (token: string) => {
    const question = { ...credentials(client), token }
    return (await server.postJson(question, {}, '/oauth2-token/introspect')).json<{ active: boolean }>()
  }
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: STOREFRONT_AUDIENCE,
    fetch: (url, init) => server.fetch(new URL(url).pathname, init),
  })
  return { server, client, user, tokens, introspect, verifier }
}

describe('the two forms of an ES256 signature', () => {
  it('both forms are one access token with the same claims, and a revocation ends both', async () => {
    const { server, client, tokens, introspect, verifier } = await setUp()
    const other = withOtherSignature(tokens.access_token)
    expect(other).not.toBe(tokens.access_token)
    expect(withOtherSignature(other)).toBe(tokens.access_token)
    const now = server.clock.time
    expect(await verifier.verify(other, { now })).toEqual(await verifier.verify(tokens.access_token, { now }))
    expect(await introspect(other)).toEqual(await introspect(tokens.access_token))
    expect(await introspect(other)).toMatchObject({ active: true })
    await server.postJson({ ...credentials(client), token: other }, {}, '/oauth2-token/revoke')
    server.clock.time += 61
    for (const token of [tokens.access_token, other]) {
      expect(await introspect(token)).toEqual({ active: false })
      await expect(verifier.verify(token, { now: server.clock.time })).rejects.toMatchObject({
        code: 'invalid_token',
      })
    }
  })

  it('both forms are one token of a client, which is revoked by its jti', async () => {
    const { server, client, introspect } = await setUp()
    const parameters = { grant_type: 'client_credentials', ...credentials(client) }
    const { access_token } = await server.requireTokens(parameters)
    const other = withOtherSignature(access_token)
    expect(await introspect(other)).toMatchObject({ active: true })
    await server.postJson({ ...credentials(client), token: access_token }, {}, '/oauth2-token/revoke')
    expect([await introspect(access_token), await introspect(other)]).toEqual([
      { active: false },
      { active: false },
    ])
  })

  it('both forms are one refresh token with the same successor, and a late use of either is theft', async () => {
    const { server, client, tokens } = await setUp()
    const { refresh_token = '' } = tokens
    const identify = (token = '') => {
      const { sid, seq } = decodeJwt(token)
      return { sid, seq }
    }
    const first = await server.refresh(client, refresh_token)
    const second = await server.refresh(client, withOtherSignature(refresh_token))
    expect(identify(second.refresh_token)).toEqual(identify(first.refresh_token))
    server.clock.time += 61
    await expect(server.refresh(client, withOtherSignature(refresh_token))).rejects.toThrow('invalid_grant')
    await expect(server.refresh(client, first.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('both forms are one guest token, which is merged once', async () => {
    const { server, client, user } = await setUp()
    const guest = await server.signIn(client, 'guest', 'guest')
    const signIn = async (token: string) => {
      const customer = { username: user.username, password: PASSWORD, visitor_access_token: token }
      const { access_token } = await server.requireTokens({
        grant_type: 'password',
        ...credentials(client),
        ...customer,
      })
      return decodeJwt(access_token).visitor_id
    }
    expect(await signIn(guest.access_token)).toBe(decodeJwt(guest.access_token).sub)
    expect(await signIn(withOtherSignature(guest.access_token))).toBe(undefined)
  })
})
