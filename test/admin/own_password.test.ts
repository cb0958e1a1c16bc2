import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { createVerifier } from '../../packages/verify/src/index.ts'
import { aroundD1, isDeferredWrite } from '../support/around_d1.ts'
import { auditOf } from '../support/audit.ts'
import { readFeed } from '../support/feed.ts'
import { TestOperator } from '../support/operator.ts'
import { ADMIN_AUDIENCE, ISSUER, PASSWORD, TestServer, type TokenResponse } from '../support/server.ts'

const NEW_PASSWORD = 'a password of their own'
const CHANGE = { current_password: PASSWORD, password: NEW_PASSWORD }

const DEAD = {
  error: 'invalid_grant',
  error_description: 'The refresh token is invalid.',
}

async function change(operator: TestOperator): Promise<TokenResponse> {
  const { status, body } = await operator.post('/me/password', CHANGE)
  expect(status).toBe(200)
  return body as unknown as TokenResponse
}

async function expectDead({ server, client }: TestOperator, refreshToken: string | undefined): Promise<void> {
  const parameters = { grant_type: 'refresh_token', client_id: client.id, refresh_token: refreshToken }
  const response = await server.postJson(parameters)
  expect([response.status, await response.json()]).toEqual([400, DEAD])
}

/** An API with the verifier package, which reads the keys and the feed of a server. */
function verifierOf(server: TestServer) {
  return createVerifier({
    issuer: ISSUER,
    audience: ADMIN_AUDIENCE,
    revocations: { pollSeconds: 0 },
    fetch: (url, init) => server.fetch(new URL(url).pathname, init),
  })
}

describe('a change of the own password', () => {
  it('the change ends every session of the operator, and returns tokens of a new one', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const other = operator.tokens
    await operator.signInAgain()
    const own = operator.tokens
    const answer = await operator.post('/me/password', CHANGE)
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        token_type: 'Bearer',
        expires_in: 3603,
        access_token: expect.any(String),
        refresh_token: expect.any(String),
      },
    ])
    expect(answer.headers.get('Cache-Control')).toBe('no-store, no-transform')
    for (const { access_token, refresh_token } of [other, own]) {
      await expectDead(operator, refresh_token)
      operator.tokens.access_token = access_token
      expect((await operator.get('/me')).status).toBe(401)
    }
    operator.tokens = { ...own, ...answer.body }
    expect((await operator.get('/me')).body).toMatchObject({ id: operator.id, must_change_password: false })
    await operator.refresh()
    expect((await operator.get('/me')).status).toBe(200)
  })

  it('APIs accept the new tokens at once: iat is after the revocation and within the leeway', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const before = operator.tokens.access_token
    const { access_token, refresh_token } = await change(operator)
    const { revocations } = await readFeed(server)
    const revocation = revocations.find(({ sub }) => sub === operator.id)
    const now = server.clock.time
    expect(revocation).toEqual({ sub: operator.id, before: now + 3 })
    expect(decodeJwt(access_token).iat).toBe(now + 3)
    expect(decodeJwt(refresh_token ?? '').iat).toBe(now + 3)
    const verifier = verifierOf(server)
    const { sid } = decodeJwt<{ sid: string }>(access_token)
    expect(await verifier.verify(access_token, { now })).toMatchObject({ subject: operator.id, sid })
    await expect(verifier.verify(before, { now })).rejects.toThrow('it was revoked by its sub')
  })

  it('the new session has the scope of the old one, limited to the scopes of the client', async () => {
    const server = new TestServer({
      config: {
        apis: {
          admin: { audience: ADMIN_AUDIENCE, users: 'operators', scopes: ['reports', 'logs', 'billing'] },
        },
        admin_api: 'admin',
      },
    })
    const operator = await TestOperator.signIn(server)
    const credentials = { client_id: operator.client.id, username: operator.username, password: PASSWORD }
    const scope = 'reports logs'
    operator.tokens = await server.requireTokens({ grant_type: 'password', ...credentials, scope })
    await env.DB.prepare('UPDATE clients SET scopes = ? WHERE client_id = ?')
      .bind('["reports","billing"]', operator.client.id)
      .run()
    const tokens = await change(operator)
    expect(tokens.scope).toBe('reports')
    expect(decodeJwt(tokens.access_token).scope).toBe('reports')
    expect(decodeJwt(tokens.refresh_token ?? '').scope).toBe('reports')
  })

  it('the change, its revocation and one event are one transaction, the only write before the response', async () => {
    const writes: string[] = []
    const db = aroundD1((sql, call) => {
      if (/\b(INSERT|UPDATE|DELETE)\b/.test(sql)) writes.push(sql)
      return call()
    })
    const operator = await TestOperator.signIn(new TestServer({ env: { DB: db } }))
    writes.length = 0
    const { access_token } = await change(operator)
    const isOfGuard = (sql: string) => /sign_in_failures/.test(sql)
    const awaited = writes.filter((sql) => !isDeferredWrite(sql) && !isOfGuard(sql))
    expect(awaited).toEqual([expect.stringMatching(/UPDATE users.*INTO audit_events.*INTO cutoffs/s)])
    const { sid } = decodeJwt<{ sid: string }>(access_token)
    expect(await auditOf({ subject: operator.id })).toMatchObject([
      { kind: 'issue' },
      { kind: 'cut_off', reason: 'the password was changed', actor: operator.id },
      { kind: 'issue', outcome: 'ok', reason: 'password', sid },
    ])
    const session = await operator.server.services.auditTrail.findSignIn(sid, {
      subject: operator.id,
      beforeSearch: () => {},
    })
    expect(session).toMatchObject({ at: decodeJwt(access_token).iat })
  })

  it('the list of sessions has the new session as live and the old one as revoked', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const old = decodeJwt<{ sid: string }>(operator.tokens.access_token).sid
    operator.tokens = await change(operator)
    const fresh = decodeJwt<{ sid: string }>(operator.tokens.access_token).sid
    expect((await operator.get(`/sessions/${fresh}`)).body).toMatchObject({ state: 'live' })
    expect((await operator.get(`/sessions/${old}`)).body).toMatchObject({ state: 'cut_off' })
  })

  it('the change ends the session that an earlier change in the same second began', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const first = await change(operator)
    operator.tokens = first
    const again = { current_password: NEW_PASSWORD, password: 'yet another password' }
    const second = await operator.post('/me/password', again)
    expect(second.status).toBe(200)
    await expectDead(operator, first.refresh_token)
    operator.tokens = { ...first, ...second.body }
    await operator.refresh()
  })

  it('the change refuses the current password as the new one, in each Unicode form of it', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const errors = [{ path: 'password', message: 'choose a password that differs from the current one' }]
    const keep = { current_password: PASSWORD, password: PASSWORD }
    const refused = await operator.post('/me/password', keep)
    expect(refused).toMatchObject({
      status: 422,
      body: { type: 'urn:problem-type:sallyport:invalid-content', errors },
    })
    const password = 'caf\u00e9 au lait, please'
    const changed = await operator.post('/me/password', { ...keep, password })
    operator.tokens = { ...operator.tokens, ...changed.body }
    const decomposed = { current_password: password, password: password.normalize('NFD') }
    expect((await operator.post('/me/password', decomposed)).body).toMatchObject({ errors })
    expect((await operator.get('/me')).status).toBe(200)
  })

  it('the change is refused if another change has replaced the password meanwhile', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const attempts = await Promise.all([
      operator.post('/me/password', { current_password: PASSWORD, password: 'the one password' }),
      operator.post('/me/password', { current_password: PASSWORD, password: 'the other password' }),
    ])
    const statuses = attempts.map(({ status }) => status).sort()
    expect(statuses[0]).toBe(200)
    // The slower change finds the password replaced, or its session ended.
    expect([401, 403, 409]).toContain(statuses[1])
    expect(await auditOf({ subject: operator.id, kind: 'cut_off' })).toHaveLength(1)
  })

  it('after a lost response, the operator signs in with the new password', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    await change(operator)
    const retry = await operator.post('/me/password', CHANGE)
    expect([retry.status, retry.body.type]).toEqual([401, 'urn:problem-type:sallyport:unauthenticated'])
    await expect(operator.signInAgain(PASSWORD)).rejects.toThrow('invalid_grant')
    await operator.signInAgain(NEW_PASSWORD)
    expect((await operator.get('/me')).status).toBe(200)
  })
})

describe('a copied refresh token', () => {
  it('a copied token gets no successor after the change, inside or outside the retry window', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const stolen = operator.tokens.refresh_token
    // The thief and the owner use one token within the window, so both have the successor.
    const ofThief = await server.refresh(operator.client, stolen)
    await operator.refresh()
    expect(decodeJwt(ofThief.refresh_token ?? '').seq).toBe(1)
    const tokens = await change(operator)
    for (const seconds of [0, 1, 2, 57, 1]) {
      server.clock.time += seconds
      await expectDead(operator, stolen)
      await expectDead(operator, ofThief.refresh_token)
      await expectDead(operator, operator.tokens.refresh_token)
    }
    // The failed attempts of the thief end no session of the owner.
    await server.refresh(operator.client, tokens.refresh_token)
  })

  it('a token gets no successor after an operator has set the password or signed the user out', async () => {
    for (const [action, body] of [
      ['password', { password: NEW_PASSWORD }],
      ['sign-out', undefined],
      ['disable', undefined],
    ] as const) {
      const server = new TestServer()
      const operator = await TestOperator.signIn(server)
      await operator.confirm()
      const client = await server.addClient({ confidential: false, grants: ['password'] })
      const user = await server.addUser()
      const { refresh_token } = await server.signIn(client, user.username)
      const { refresh_token: successor } = await server.refresh(client, refresh_token)
      expect((await operator.post(`/users/${user.id}/${action}`, body)).status).toBe(200)
      const thief = Object.assign(new TestOperator(server, operator), { client })
      await expectDead(thief, refresh_token)
      await expectDead(thief, successor)
    }
  })

  it('a token gets no successor after its client was signed out', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient({ confidential: false, grants: ['password'] })
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    const { refresh_token: successor } = await server.refresh(client, refresh_token)
    expect((await operator.post(`/clients/${client.id}/sign-out`)).status).toBe(200)
    const thief = Object.assign(new TestOperator(server, operator), { client })
    await expectDead(thief, refresh_token)
    await expectDead(thief, successor)
  })
})
