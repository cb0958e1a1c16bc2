import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { authorize, CODE_CLIENT, exchangeOf, newCode, readCode } from '../support/authorize.ts'
import { type TestClient, TestServer } from '../support/server.ts'
import { signOutUser } from '../support/sign_out.ts'

describe('the session of an authorization code', () => {
  const server = new TestServer()
  let client: TestClient
  let user: { id: string; username: string }

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
    user = await server.addUser()
  })

  it('a session without a refresh token ends with its access token', async () => {
    const other = await server.addClient({ ...CODE_CLIENT, grants: ['authorization_code'] })
    const code = await newCode(server, other, user.id)
    const tokens = await server.requireTokens(exchangeOf(other, code))
    expect(tokens).not.toHaveProperty('refresh_token')
    const { sid, exp } = decodeJwt<{ sid: string; exp: number }>(tokens.access_token)
    const row = await env.DB.prepare('SELECT seq, expires_at, keep_until FROM sessions WHERE sid = ?')
      .bind(sid)
      .first()
    expect(row).toEqual({ seq: 0, expires_at: exp, keep_until: exp })
  })

  it('the tokens of a sign-in just after a revocation of the user are valid', async () => {
    const late = await server.addUser()
    await signOutUser(server, late.id)
    await server.settle()
    const response = await authorize(server, client, { username: late.username })
    const tokens = await server.requireTokens(exchangeOf(client, response.get('code')))
    expect(decodeJwt(tokens.access_token).iat).toBe(server.clock.time + 3)
    await server.refresh(client, tokens.refresh_token)
  })

  it('the audit trail has the theft and the refusal of a second use, and of a first use with a wrong verifier', async () => {
    const code = await newCode(server, client, user.id)
    const { sid } = await readCode(server, code)
    await server.requireTokens(exchangeOf(client, code))
    await server.postJson(exchangeOf(client, code))
    const reason = 'the code was used before'
    expect(await auditOf({ sid })).toEqual([
      expect.objectContaining({
        kind: 'issue',
        outcome: 'ok',
        reason: 'authorization code',
        subject: user.id,
      }),
      expect.objectContaining({ kind: 'theft', outcome: 'ok', reason, subject: user.id }),
      expect.objectContaining({ kind: 'code_refused', outcome: 'refused', reason, subject: user.id }),
    ])
    const wrong = await newCode(server, client, user.id)
    await server.postJson(exchangeOf(client, wrong, { code_verifier: 'x'.repeat(43) }))
    expect(await auditOf({ sid: (await readCode(server, wrong)).sid })).toEqual([
      expect.objectContaining({ kind: 'code_refused', reason: 'its code had a wrong verifier' }),
    ])
  })
})
