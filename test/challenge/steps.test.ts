import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { CALLBACK, exchangeOf, readCode, VERIFIER } from '../support/authorize.ts'
import {
  begin,
  CHALLENGE_PATH,
  type ChallengeResponse,
  challengeOf,
  STEP_CLIENT,
  step,
} from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { TestOperator } from '../support/operator.ts'
import { enrol } from '../support/second_factor.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { SoftwareAuthenticator } from '../support/software_authenticator.ts'

const ONE = 'urn:sallyport:1'
const TWO = 'urn:sallyport:2'
const ACCOUNTS = {
  email_code: 'sign_in',
  second_factor: 'optional',
  second_factor_roles: ['vip'],
  passkeys: { rp_id: 'shop.test' },
}
const MORE = { error: 'insufficient_authorization', error_description: 'Send one of the inputs in next.' }

let server: TestServer
let shop: TestClient

const serverWith = (customers: Record<string, unknown> = ACCOUNTS, changes: Record<string, unknown> = {}) =>
  new TestServer({ config: { mail: MAIL, accounts: { customers }, ...changes } })

/** The claims of the tokens of a code. The token request has no redirect URI. */
async function claimsOf({ authorization_code: code }: ChallengeResponse) {
  const tokens = await server.requireTokens(exchangeOf(shop, code ?? '', { redirect_uri: undefined }))
  return { tokens, access: decodeJwt(tokens.access_token), refresh: decodeJwt(tokens.refresh_token ?? '') }
}

/** Adds a user with a verified address. */
async function addReader() {
  const user = await server.addUser()
  const profile = JSON.stringify({ email: user.username, email_verified: true })
  await env.DB.prepare('UPDATE users SET profile = ? WHERE id = ?').bind(profile, user.id).run()
  return user
}

/** Adds a user with a passkey. */
async function addPasskeyUser() {
  const user = await server.addUser()
  const { id: subject, pool, username } = user
  const authenticator = await SoftwareAuthenticator.make('ES256', ISSUER)
  const { passkeys } = server.services
  const account = { subject, pool, username, displayName: 'Ann', service: 'Slow Pour', holder: 'h' }
  const started = await passkeys.startRegistration(account, server.clock.time)
  if (started === null) throw new Error('no passkeys')
  const finished = { sealed: started.sealed, response: await authenticator.create(started.options) }
  const about = {
    subject,
    pool,
    holder: 'h',
    name: 'A phone',
    clientId: shop.id,
    api: 'storefront',
    isFirst: true,
  }
  await passkeys.finishRegistration({ ...finished, ...about }, server.context())
  return { user, authenticator }
}

const optionsOf = ({ passkey_options: options }: ChallengeResponse) =>
  options as Parameters<SoftwareAuthenticator['get']>[0]

beforeEach(async () => {
  await emptyStores()
  server = serverWith()
  shop = await server.addClient(STEP_CLIENT)
})

describe('the authorization challenge endpoint', () => {
  it('a right password in the first request gives a code, and the tokens have its authentication', async () => {
    const { id, username } = await server.addUser()
    const response = await server.postJson(
      challengeOf(shop, { username, password: PASSWORD, scope: 'cart openid', nonce: 'n' }),
      {},
      CHALLENGE_PATH,
    )
    const body = await response.json<ChallengeResponse>()
    expect([response.status, Object.keys(body)]).toEqual([200, ['authorization_code']])
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
    expect(await readCode(server, body.authorization_code ?? null)).toMatchObject({ uri: null, sub: id })
    const { tokens, access, refresh } = await claimsOf(body)
    const auth = { sub: id, auth_time: server.clock.time, amr: ['pwd'], acr: ONE }
    for (const claims of [access, refresh]) expect(claims).toMatchObject(auth)
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ sub: id, nonce: 'n', acr: ONE })
    server.clock.time += 100
    const refreshed = await server.refresh(shop, tokens.refresh_token)
    expect(decodeJwt(refreshed.access_token)).toMatchObject(auth)
    const [event] = await auditOf({ kind: 'step_sign_in', subject: id })
    expect(event).toMatchObject({ outcome: 'ok', reason: 'password', client_id: shop.id })
    const operator = await TestOperator.signIn(server)
    const timeline = await operator.get(`/sessions/${access.sid}/timeline`)
    const events = timeline.body.events as { kind: string; client_id: string }[]
    expect(events.map(({ kind, client_id }) => [kind, client_id])).toEqual([
      ['step_sign_in', shop.id],
      ['issue', shop.id],
      ['refresh', shop.id],
    ])
  })

  it('a request without an input names the inputs, and every later request continues its auth_session', async () => {
    const first = await begin(server, shop)
    expect(first).toEqual({
      status: 400,
      ...MORE,
      auth_session: expect.any(String),
      next: ['username', 'password', 'passkey'],
      passkey_options: {
        challenge: expect.any(String),
        timeout: 300_000,
        rpId: 'shop.test',
        allowCredentials: [],
        userVerification: 'required',
      },
    })
    const { username } = await server.addUser()
    const auth_session = first.auth_session
    expect(await step(server, shop, { auth_session })).toEqual(first)
    const wrong = await step(server, shop, { auth_session, username, password: 'wrong' })
    expect(wrong).toEqual({
      status: 400,
      error: 'invalid_grant',
      error_description: 'The user credentials were incorrect.',
    })
    const body = { response_type: 'code', ...credentials(shop), auth_session, username, password: PASSWORD }
    const done = await server.postJson(body, {}, CHALLENGE_PATH)
    expect(done.status).toBe(200)
    expect((await claimsOf(await done.json<ChallengeResponse>())).access).toMatchObject({ amr: ['pwd'] })
  })

  it.each(['totp', 'recovery_code'])(
    'a user with a second factor gets a code only after the password and a %s',
    async (input) => {
      const app = await enrol(server, await server.addUser())
      const { username, id } = app.user
      const first = await step(server, shop, { username, password: PASSWORD })
      expect(first).toEqual({
        status: 400,
        ...MORE,
        auth_session: expect.any(String),
        next: ['totp', 'recovery_code'],
      })
      const { auth_session } = first
      const proof = input === 'totp' ? await app.codeAt(server.clock.time) : app.recoveryCodes[0]
      const authTime = server.clock.time
      const wrong = await step(server, shop, { auth_session, [input]: '000000' })
      expect(wrong).toMatchObject({ status: 400, error: 'invalid_grant' })
      const { access, refresh } = await claimsOf(await step(server, shop, { auth_session, [input]: proof }))
      const auth = { sub: id, auth_time: authTime, amr: ['pwd', 'otp', 'mfa'], acr: TWO }
      for (const claims of [access, refresh]) expect(claims).toMatchObject(auth)
      const [event] = await auditOf({ kind: 'sign_in_failure', subject: id })
      expect(event).toMatchObject({ reason: 'wrong second factor', client_id: shop.id })
    },
  )

  it('a username alone requests a code by mail in the language of the request, and the code signs in', async () => {
    const { id, username } = await addReader()
    const first = await step(server, shop, { username, ui_locales: 'de' })
    expect(first).toMatchObject({ status: 400, next: ['username', 'password', 'email_code', 'passkey'] })
    const [mail] = await server.takeMails()
    expect(mail).toMatchObject({ to: username, subject: expect.stringContaining('Code') })
    const email_code = /\b\d{6}\b/.exec(mail?.text ?? '')?.[0]
    const { auth_session } = first
    expect(await step(server, shop, { auth_session, email_code: 'nothing' })).toMatchObject({
      error: 'invalid_grant',
    })
    const { access } = await claimsOf(await step(server, shop, { auth_session, email_code }))
    expect(access).toMatchObject({ sub: id, amr: ['otp'], acr: ONE })
  })

  it('a passkey signs in with two factors in one step, and is a second factor after a password', async () => {
    const { user, authenticator } = await addPasskeyUser()
    const first = await begin(server, shop)
    const passkey = await authenticator.get(optionsOf(first))
    const done = await step(server, shop, { auth_session: first.auth_session, passkey })
    expect((await claimsOf(done)).access).toMatchObject({
      sub: user.id,
      amr: ['hwk', 'user', 'mfa'],
      acr: TWO,
    })
    const password = { username: user.username, password: PASSWORD, acr_values: TWO }
    const second = await step(server, shop, password)
    expect(second).toMatchObject({ status: 400, next: ['passkey'] })
    expect(second.passkey_options?.allowCredentials).toHaveLength(1)
    const proof = { passkey: await authenticator.get(optionsOf(second)), auth_session: second.auth_session }
    const { access } = await claimsOf(await step(server, shop, proof))
    expect(access).toMatchObject({ amr: ['pwd', 'hwk', 'user', 'mfa'], acr: TWO })
  })

  it('a step that needs a page sends the user to a browser, with a request_uri only for a request with PKCE', async () => {
    const { username } = await server.addUser({ mustChangePassword: true })
    const input = { username, password: PASSWORD }
    const web = {
      status: 400,
      error: 'redirect_to_web',
      error_description: 'The user must continue in a browser.',
    }
    const response = await step(server, shop, input)
    expect(response).toEqual({ ...web, request_uri: expect.any(String), expires_in: 60 })
    const query = new URLSearchParams({ client_id: shop.id, request_uri: response.request_uri ?? '' })
    const page = await server.fetch(`/oauth2-token/authorize?${query}`)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Sign in')])
    const free = await server.addClient({ ...STEP_CLIENT, requiresPkce: false })
    const without = { code_challenge: undefined, code_challenge_method: undefined }
    expect(await step(server, free, { ...input, ...without })).toEqual(web)
    const vip = await server.addUser({ roles: ['vip'] })
    expect(await step(server, shop, { username: vip.username, password: PASSWORD })).toMatchObject(web)
  })

  it('a level that the pool cannot reach is unmet_authentication_requirements', async () => {
    server = serverWith({})
    const unmet = { status: 400, error: 'unmet_authentication_requirements' }
    expect(await step(server, shop, { acr_values: TWO })).toMatchObject(unmet)
  })

  it('only first-party clients with a secret and the code grant may sign users in by steps', async () => {
    const { username } = await server.addUser()
    for (const changes of [
      { isFirstParty: false },
      { confidential: false },
      { grants: ['password' as const] },
    ]) {
      const client = await server.addClient({ ...STEP_CLIENT, ...changes })
      const refused = await step(server, client, { username, password: PASSWORD })
      expect(refused).toEqual({
        status: 400,
        error: 'unauthorized_client',
        error_description: 'The client is not allowed to use this grant type.',
      })
    }
  })

  it('a malformed request is refused', async () => {
    const table: [Record<string, unknown>, string][] = [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      [{ redirect_uri: 'https://evil.test/' }, 'invalid_request'],
      [{ scope: 'admin' }, 'invalid_scope'],
      [{ username: 'x', password: 'y', totp: '1' }, 'invalid_request'],
      [{ password: 'y' }, 'invalid_request'],
      [{ nonce: 'n'.repeat(513) }, 'invalid_request'],
      [{ username: 1 }, 'invalid_request'],
      [{ resource: 'https://other.test' }, 'invalid_target'],
    ]
    const { username } = await server.addUser()
    const long = { nonce: 'é'.repeat(512), username, password: PASSWORD }
    for (const [changes, error] of [...table, [long, 'invalid_request'] as const])
      expect([changes, await step(server, shop, changes)]).toMatchObject([changes, { status: 400, error }])
  })

  it('the errors follow the dialect oro', async () => {
    server = serverWith(ACCOUNTS, { errors: 'oro' })
    const { auth_session, ...body } = await begin(server, shop)
    expect(body).toMatchObject({ ...MORE, message: MORE.error_description })
    const wrong = { username: 'x', password: 'y', auth_session }
    expect(await step(server, shop, wrong)).toEqual({
      status: 400,
      error: 'invalid_grant',
      error_description: 'The user credentials were incorrect.',
      message: 'The user credentials were incorrect.',
    })
  })

  it('a guest of the first request is merged at the exchange', async () => {
    const guest = await server.signIn(shop, 'guest', 'guest')
    const { username } = await server.addUser()
    const first = await step(server, shop, { visitor_access_token: guest.access_token })
    const input = { auth_session: first.auth_session, username, password: PASSWORD }
    const { access } = await claimsOf(await step(server, shop, input))
    expect(access.visitor_id).toBe(decodeJwt(guest.access_token).sub)
  })
})

describe('the password grant of a user with a second factor', () => {
  it('a right password gives an auth_session that continues with the second factor', async () => {
    const app = await enrol(server, await server.addUser())
    const { username } = app.user
    const guest = await server.signIn(shop, 'guest', 'guest')
    const grant = {
      grant_type: 'password',
      ...credentials(shop),
      username,
      password: PASSWORD,
      scope: 'cart',
    }
    const response = await server.postJson({ ...grant, visitor_access_token: guest.access_token })
    const body = await response.json<ChallengeResponse>()
    expect([response.status, body]).toEqual([
      403,
      {
        error: 'insufficient_authorization',
        error_description: 'The user must sign in with a second factor.',
        auth_session: expect.any(String),
      },
    ])
    const { auth_session } = body
    expect(await step(server, shop, { auth_session })).toMatchObject({ next: ['totp', 'recovery_code'] })
    const totp = await app.codeAt(server.clock.time)
    const done = await step(server, shop, { auth_session, totp })
    const { tokens, access } = await claimsOf(done)
    expect(tokens.scope).toBe('cart')
    expect(access).toMatchObject({ amr: ['pwd', 'otp', 'mfa'], acr: TWO })
    expect(access.visitor_id).toBe(decodeJwt(guest.access_token).sub)
  })

  it('a client that cannot continue, and a user who must set up the factor, get no auth_session', async () => {
    const app = await enrol(server, await server.addUser())
    const page = await server.addClient({ ...STEP_CLIENT, confidential: false })
    const vip = await server.addUser({ roles: ['vip'] })
    for (const [client, { username }] of [
      [page, app.user],
      [shop, vip],
    ] as const) {
      const grant = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
      const response = await server.postJson(grant)
      expect([response.status, Object.keys(await response.json<object>())]).toEqual([
        403,
        ['error', 'error_description'],
      ])
    }
  })
})

describe('the code of a sign-in in steps', () => {
  it('a code works once, with its verifier only, and a second use ends the session', async () => {
    const { username } = await server.addUser()
    const { authorization_code: code = '' } = await step(server, shop, { username, password: PASSWORD })
    const exchange = exchangeOf(shop, code, { redirect_uri: undefined })
    const tokens = await server.requireTokens(exchange)
    expect((await server.postJson(exchange)).status).toBe(400)
    const refresh = { grant_type: 'refresh_token', ...credentials(shop), refresh_token: tokens.refresh_token }
    expect((await server.postJson(refresh)).status).toBe(400)
    const { authorization_code: other = '' } = await step(server, shop, { username, password: PASSWORD })
    const wrong = exchangeOf(shop, other, { redirect_uri: undefined, code_verifier: `${VERIFIER}x` })
    expect((await server.postJson(wrong)).status).toBe(400)
    const late = exchangeOf(shop, other, { redirect_uri: CALLBACK })
    expect((await server.postJson(late)).status).toBe(400)
  })
})
