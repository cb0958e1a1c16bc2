import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { readFeed } from './support/feed.ts'
import { credentials, PASSWORD, type TestClient, TestServer, type TokenResponse } from './support/server.ts'
import { describeStores } from './support/session_stores.ts'

async function shop() {
  const server = new TestServer()
  const client = await server.addClient()
  const user = await server.addUser()
  return { server, client, user, guest: await server.signIn(client, 'guest', 'guest') }
}

function signInWith(
  server: TestServer,
  client: TestClient,
  username: string,
  token?: string,
): Promise<TokenResponse> {
  const parameters = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
  return server.requireTokens({ ...parameters, visitor_access_token: token })
}

const visitorIdOf = (response: TokenResponse) => decodeJwt(response.access_token).visitor_id

describeStores('visitor_access_token', () => {
  it("the visitor token puts the visitor id in the customer's tokens and ends the guest's session", async () => {
    const { server, client, user, guest } = await shop()
    const { sub: visitor, sid } = decodeJwt<{ sub: string; sid: string }>(guest.access_token)
    const customer = await signInWith(server, client, user.username, guest.access_token)
    expect(decodeJwt(customer.access_token)).toMatchObject({ sub: user.id, visitor_id: visitor })
    const later = await server.refresh(client, customer.refresh_token)
    expect(visitorIdOf(later)).toBe(visitor)
    await expect(server.refresh(client, guest.refresh_token)).rejects.toThrow('invalid_grant')
    expect(JSON.stringify(await readFeed(server))).not.toContain(sid)
    expect(await auditOf({ sid, kind: 'merge' })).toEqual([
      expect.objectContaining({ outcome: 'ok', subject: visitor, reason: `merged into ${user.id}` }),
    ])
  })

  it('a visitor token works once, also in parallel sign-ins', async () => {
    const { server, client, user, guest } = await shop()
    const rival = await server.addUser()
    const responses = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        signInWith(server, client, i % 2 ? user.username : rival.username, guest.access_token),
      ),
    )
    const merged = responses.map(visitorIdOf).filter((visitor) => visitor !== undefined)
    expect(merged).toEqual([decodeJwt(guest.access_token).sub])
    const again = await signInWith(server, client, user.username, guest.access_token)
    expect(visitorIdOf(again)).toBeUndefined()
  })

  it('a visitor token of another client of the same API works', async () => {
    const { server, user, guest } = await shop()
    const customer = await signInWith(server, await server.addClient(), user.username, guest.access_token)
    expect(visitorIdOf(customer)).toBe(decodeJwt(guest.access_token).sub)
  })

  it('an invalid visitor token is ignored and audited with the reason, and the sign-in succeeds', async () => {
    const { server, client, user, guest } = await shop()
    const other = await server.addUser()
    const customer = await server.signIn(client, other.username)
    const machine = await server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
    const revoked = await server.signIn(client, 'guest', 'guest')
    await server.postJson({ ...credentials(client), token: revoked.access_token }, {}, '/oauth2-token/revoke')
    const bad = {
      'the token is not a JWT': 'garbage',
      'ERR_JWT_CLAIM_VALIDATION_FAILED typ': guest.refresh_token,
      'not the token of a guest': customer.access_token,
      "the guest's session had already ended": revoked.access_token,
      ERR_JWS_SIGNATURE_VERIFICATION_FAILED: `${guest.access_token.slice(0, -8)}AAAAAAAA`,
    }
    for (const [reason, token] of Object.entries(bad)) {
      const response = await signInWith(server, client, user.username, token)
      expect(visitorIdOf(response)).toBeUndefined()
      const events = await auditOf({ subject: user.id, kind: 'merge' })
      expect(events.at(-1)).toMatchObject({ outcome: 'refused', reason })
    }
    await signInWith(server, client, user.username, machine.access_token)
    server.clock.time += 3600
    await signInWith(server, client, user.username, guest.access_token)
    expect(await auditOf({ subject: user.id, kind: 'merge', outcome: 'ok' })).toEqual([])
  })

  it('a failed sign-in does not use the visitor token', async () => {
    const { server, client, user, guest } = await shop()
    const parameters = { grant_type: 'password', ...credentials(client), username: user.username }
    const attempt = { ...parameters, visitor_access_token: guest.access_token }
    await server.postJson({ ...attempt, password: 'wrong' })
    await server.postJson({ ...attempt, password: PASSWORD, scope: 'unknown' })
    const customer = await signInWith(server, client, user.username, guest.access_token)
    expect(visitorIdOf(customer)).toBe(decodeJwt(guest.access_token).sub)
  })

  it('a visitor token at a guest sign-in does nothing', async () => {
    const { server, client, guest } = await shop()
    const parameters = {
      grant_type: 'password',
      ...credentials(client),
      username: 'guest',
      password: 'guest',
    }
    await server.requireTokens({ ...parameters, visitor_access_token: guest.access_token })
    await server.refresh(client, guest.refresh_token)
  })
})
