import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { FaultyStores } from './support/faults.ts'
import { readFeed } from './support/feed.ts'
import { credentials, type TestClient, TestServer } from './support/server.ts'
import { describeStores } from './support/session_stores.ts'

const REVOKE = '/oauth2-token/revoke'

function revoke(server: TestServer, client: TestClient, token: string, more = {}): Promise<Response> {
  return server.postJson({ ...credentials(client), token, ...more }, {}, REVOKE)
}

async function isAlive(server: TestServer, client: TestClient, refreshToken?: string): Promise<boolean> {
  const parameters = { grant_type: 'refresh_token', ...credentials(client), refresh_token: refreshToken }
  return (await server.postJson(parameters)).status === 200
}

async function signedIn() {
  const server = new TestServer()
  const client = await server.addClient()
  const { username } = await server.addUser()
  return { server, client, tokens: await server.signIn(client, username) }
}

describeStores('POST /oauth2-token/revoke (RFC 7009)', () => {
  it.each(['refresh_token', 'access_token'] as const)(
    'a revoked %s ends its session, refreshed or not',
    async (kind) => {
      for (const refreshes of [0, 2]) {
        const { server, client, tokens } = await signedIn()
        let last = tokens
        for (let i = 0; i < refreshes; i++) last = await server.refresh(client, last.refresh_token)
        const response = await revoke(server, client, last[kind] ?? '')
        expect(response.status).toBe(200)
        expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
        expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
        expect(await response.json()).toEqual({})
        expect(await isAlive(server, client, last.refresh_token)).toBe(false)
        const { sid } = decodeJwt<{ sid: string }>(last.access_token)
        expect((await readFeed(server)).revocations).toContainEqual({ sid, before: server.clock.time + 60 })
        expect(await auditOf({ sid, kind: 'revoke' })).toEqual([
          expect.objectContaining({ outcome: 'ok', client_id: client.id, reason: 'revoked by its client' }),
        ])
      }
    },
  )

  it("the revocation of a machine's token revokes that jti and no other token", async () => {
    const { server, client } = await signedIn()
    const machine = () => server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
    const [dead, alive] = [await machine(), await machine()]
    await revoke(server, client, dead.access_token)
    const { revocations } = await readFeed(server)
    expect(revocations).toContainEqual({
      jti: decodeJwt(dead.access_token).jti,
      before: server.clock.time + 3,
    })
    expect(JSON.stringify(revocations)).not.toContain(String(decodeJwt(alive.access_token).jti))
  })

  it('a wrong token_type_hint changes nothing', async () => {
    for (const token_type_hint of ['access_token', 'refresh_token', 'nonsense']) {
      const { server, client, tokens } = await signedIn()
      await revoke(server, client, tokens.refresh_token ?? '', { token_type_hint })
      expect(await isAlive(server, client, tokens.refresh_token)).toBe(false)
    }
  })

  it('an unknown, expired or revoked token gets 200', async () => {
    const { server, client, tokens } = await signedIn()
    const parts = (tokens.refresh_token ?? '').split('.')
    const unknown = ['garbage', 'a.b.c', `${parts[0]}.${parts[1]}.`, 'x'.repeat(10_000)]
    for (const token of unknown) {
      const response = await revoke(server, client, token)
      expect([response.status, await response.json()]).toEqual([200, {}])
    }
    expect(await isAlive(server, client, tokens.refresh_token)).toBe(true)
    for (const token of [tokens.access_token, tokens.access_token]) {
      expect((await revoke(server, client, token)).status).toBe(200)
    }
    server.clock.time += 3600
    expect((await revoke(server, client, tokens.access_token)).status).toBe(200)
  })

  it("another client's token is refused and stays live", async () => {
    const { server, client, tokens } = await signedIn()
    const other = await server.addClient()
    const response = await revoke(server, other, tokens.refresh_token ?? '')
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'The token was issued to another client.',
    })
    expect(await isAlive(server, client, tokens.refresh_token)).toBe(true)
  })

  it('a request without a client or a token is refused', async () => {
    const { server, client, tokens } = await signedIn()
    const wrong = await revoke(server, { ...client, secret: 'wrong' }, tokens.access_token)
    expect([wrong.status, await wrong.json()]).toEqual([
      401,
      { error: 'invalid_client', error_description: 'Client authentication failed.' },
    ])
    const missing = await revoke(server, client, '')
    expect([missing.status, await missing.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'The parameter token is missing.' },
    ])
    expect(await isAlive(server, client, tokens.refresh_token)).toBe(true)
  })

  it('the endpoint responds with 503 while the database is down, so that the client retries', async () => {
    const { server, client, tokens } = await signedIn()
    const stores = new FaultyStores()
    stores.d1.suffer('before it is made')
    const down = new TestServer({ env: stores.env, clock: server.clock })
    const response = await revoke(down, client, tokens.refresh_token ?? '')
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '2'])
  })
})
