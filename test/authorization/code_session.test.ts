import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { hashUri } from '../../src/authorization/issue_code.ts'
import { auditOf } from '../support/audit.ts'
import { authorize, CODE_CLIENT, exchangeOf, newCode, readCode } from '../support/authorize.ts'
import { type TestClient, TestServer } from '../support/server.ts'
import { IN_USER_DATABASES, readSession, SESSION_STORES } from '../support/session_stores.ts'
import { signOutUser } from '../support/sign_out.ts'

describe.each([...SESSION_STORES, IN_USER_DATABASES])(
  'the session of an authorization code, in $name',
  ({ config }) => {
    const server = new TestServer({ config })
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
      const rows = await readSession(sid, 'seq, expires_at, keep_until')
      expect(rows).toEqual([{ seq: 0, expires_at: exp, keep_until: exp }])
    })

    it('a failed client authentication does not use up the code', async () => {
      const web = await server.addClient({ ...CODE_CLIENT, confidential: true })
      const code = await newCode(server, web, user.id)
      const refused = await server.postJson(exchangeOf(web, code, { client_secret: 'wrong' }))
      expect([refused.status, await refused.json()]).toMatchObject([401, { error: 'invalid_client' }])
      await server.requireTokens(exchangeOf(web, code))
    })

    it('the exchange repeats the exact redirect URI, with the port of a loopback address', async () => {
      const redirectUris = ['http://127.0.0.1/callback']
      const app = await server.addClient({ ...CODE_CLIENT, redirectUris })
      const redirect_uri = 'http://127.0.0.1:53123/callback'
      const codeFor = async () => newCode(server, app, user.id, { uri: await hashUri(redirect_uri) })
      for (const other of ['http://127.0.0.1:53124/callback', 'http://127.0.0.1/callback']) {
        const response = await server.postJson(exchangeOf(app, await codeFor(), { redirect_uri: other }))
        expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_grant' }])
      }
      await server.requireTokens(exchangeOf(app, await codeFor(), { redirect_uri }))
    })

    it('with errors: oro, another redirect URI is invalid_client, and a used code has the hint of OroCommerce', async () => {
      const oro = new TestServer({ config: { ...config, errors: 'oro' }, clock: server.clock })
      const code = await newCode(oro, client, user.id)
      const other = await oro.postJson(
        exchangeOf(client, await newCode(oro, client, user.id), { redirect_uri: 'https://app.test/other' }),
      )
      expect([other.status, await other.json()]).toMatchObject([401, { error: 'invalid_client' }])
      await oro.requireTokens(exchangeOf(client, code))
      const again = await oro.postJson(exchangeOf(client, code))
      expect([again.status, await again.json()]).toMatchObject([
        400,
        { error: 'invalid_grant', hint: 'Authorization code has been revoked' },
      ])
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
  },
)
