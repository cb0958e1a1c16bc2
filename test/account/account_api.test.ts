import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import accountsPage from '../../docs/accounts.md?raw'
import type { UserOperation } from '../../src/account/api/api_operation.ts'
import { API_OPERATIONS } from '../../src/account/api/operations.ts'
import { compact } from '../../src/lib/compact.ts'
import type { CreationOptionsJson } from '../../src/passkeys/ceremony_options.ts'
import { accountApi, callAccount, callAsClient, SHOP_CLIENT, tokenOf } from '../support/account_api.ts'
import { addReader, setProfile, takeLink, tokenOf as tokenOfLink } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  signInAt,
} from '../support/authorize.ts'
import { MAIL } from '../support/mail_sink.ts'
import { parseTable } from '../support/markdown_table.ts'
import { registerPasskey } from '../support/passkey.ts'
import { appOf, enrol, wrongCode } from '../support/second_factor.ts'
import {
  ACCOUNT_SCOPE,
  credentials,
  ISSUER,
  PASSWORD,
  type TestClient,
  TestServer,
} from '../support/server.ts'
import { SoftwareAuthenticator } from '../support/software_authenticator.ts'

const NEW_PASSWORD = 'a wholly different passphrase'
const ACCOUNTS = { self_service: true, second_factor: 'optional', passkeys: { rp_id: 'shop.test' } }

const refusal = (error: string, error_description: string) => ({ error, error_description })
const INVALID_TOKEN = refusal('invalid_token', 'The access token is invalid.')
const AGAIN = refusal('insufficient_user_authentication', 'The user must authenticate again.')
const UNKNOWN = refusal('invalid_request', 'The account has no such item.')
const NO_ENDPOINT = refusal('invalid_request', 'There is no such endpoint.')
const invalid = (name: string) => refusal('invalid_request', `The parameter ${name} is not valid.`)
const missing = (name: string) => refusal('invalid_request', `The parameter ${name} is missing.`)

describe('the JSON API of the account', () => {
  const server = new TestServer({
    config: { ...ACCOUNT_SCOPE, mail: MAIL, accounts: { customers: ACCOUNTS } },
  })
  let shop: TestClient

  beforeAll(async () => {
    shop = await server.addClient({ ...SHOP_CLIENT, name: 'Corner Shop', origins: ['https://app.shop.test'] })
  })

  /** A new user with an access token. */
  async function signedIn(changes: Parameters<TestServer['addUser']>[0] = {}) {
    const user = await server.addUser(changes)
    return { user, token: await tokenOf(server, shop, user.username) }
  }
  const statusOf = async (token: string) => (await callAccount(server, 'GET /', { token })).status

  describe('the paths', () => {
    it.each(['/account/staff/api', '/account/unknown/api/sessions'])(
      'the server responds to %s with 404 in JSON, because the pool is unknown or has no self_service',
      async (path) => {
        const response = await server.fetch(path)
        expect([response.status, await response.json()]).toEqual([404, NO_ENDPOINT])
        expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
      },
    )

    it('an unknown path below the API gets 404 in JSON, and another method 405 with Allow', async () => {
      const unknown = await callAccount(server, 'GET /unknown')
      expect([unknown.status, unknown.body]).toEqual([404, NO_ENDPOINT])
      const put = await callAccount(server, 'PUT /sessions')
      expect([put.status, put.headers.get('Allow')]).toEqual([405, 'GET, HEAD, DELETE, OPTIONS'])
    })

    it('scripts of the client can call the API, and those of other origins cannot read a response to a change', async () => {
      const { token } = await signedIn()
      const path = `${accountApi()}/sessions`
      const preflight = await server.fetch(path, {
        method: 'OPTIONS',
        headers: { Origin: 'https://app.shop.test', 'Access-Control-Request-Method': 'DELETE' },
      })
      expect(preflight.headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,DELETE,OPTIONS')
      const allowed = async (Origin: string) => {
        const body = { name: 'Ann' }
        const { headers } = await callAccount(server, 'PATCH /', { token, body, headers: { Origin } })
        return headers.get('Access-Control-Allow-Origin')
      }
      expect(await allowed('https://app.shop.test')).toBe('https://app.shop.test')
      expect(await allowed('https://other.test')).toBeNull()
    })
  })

  it('the table of docs/accounts.md has each operation, with its members, its status and whether it needs a proof', () => {
    const cell = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ')
    const rows = API_OPERATIONS.map((operation) => [
      `\`${operation.method} ${operation.path || '/'}\``,
      new Map([
        ['members', cell(operation.members)],
        ['status', String(operation.status)],
        ['proof', operation.caller === 'client' ? 'client' : operation.needsProof ? 'yes' : '–'],
        ['result', operation.summary],
      ]),
    ])
    expect([...parseTable(accountsPage, 'operation')]).toEqual(rows)
  })

  describe('the access token', () => {
    const USERS = API_OPERATIONS.flatMap((operation) => (operation.caller === 'user' ? [operation] : []))

    /** The name and the input of an operation, with `x` as the parameters of its path. */
    const requestOf = ({ method, path, members }: UserOperation) =>
      [
        `${method} ${path.replaceAll(/\{\w+\}/g, 'x') || '/'}`,
        members.length === 0 ? {} : { body: {} },
      ] as const

    it('every operation of a user refuses a request without a token, and a token that is not valid', async () => {
      for (const [operation, input] of USERS.map(requestOf)) {
        const without = await callAccount(server, operation, input)
        expect([operation, without.status, without.body]).toEqual([
          operation,
          401,
          refusal('invalid_token', 'Send an access token.'),
        ])
        expect(without.headers.get('WWW-Authenticate')).toBe(`Bearer realm="${ISSUER}"`)
        const garbage = await callAccount(server, operation, { ...input, token: 'garbage' })
        expect([garbage.status, garbage.body]).toEqual([401, INVALID_TOKEN])
      }
    })

    it('the API refuses tokens of another pool, of guests, of machines and of ended sessions, and refresh tokens', async () => {
      const staff = await server.addClient({ ...SHOP_CLIENT, api: 'backoffice' })
      const clerk = await server.addUser({ pool: 'staff' })
      const machine = await server.addClient({ isFirstParty: true })
      const { user } = await signedIn()
      const ended = await server.signIn(shop, user.username)
      await server.postJson({ ...credentials(shop), token: ended.refresh_token }, {}, '/oauth2-token/revoke')
      const guest = await server.signIn(
        await server.addClient({ ...SHOP_CLIENT, grants: ['password'] }),
        'guest',
        'guest',
      )
      const own = await server.requireTokens({
        grant_type: 'client_credentials',
        client_id: machine.id,
        client_secret: machine.secret,
      })
      const tokens = {
        'another pool': await tokenOf(server, staff, clerk.username),
        guest: guest.access_token,
        machine: own.access_token,
        ended: ended.access_token,
        refresh: (await server.signIn(shop, user.username)).refresh_token ?? '',
      }
      for (const [what, token] of Object.entries(tokens)) {
        const { status, body, headers } = await callAccount(server, 'GET /', { token })
        expect([what, status, body]).toEqual([what, 401, INVALID_TOKEN])
        expect(headers.get('WWW-Authenticate')).toBe(`Bearer realm="${ISSUER}", error="invalid_token"`)
      }
    })

    it('the API refuses the token of a third-party client', async () => {
      const other = await server.addClient({ grants: ['password'] })
      const { username } = await server.addUser()
      const { status, body } = await callAccount(server, 'GET /', {
        token: await tokenOf(server, other, username),
      })
      expect([status, body]).toEqual([403, refusal('access_denied', 'The request is not allowed.')])
    })

    it('every operation of a user needs the scope account, and accepts a token with this scope only', async () => {
      const { username } = await server.addUser()
      const scopes = ['cart', 'orders', 'catalog']
      const other = await server.addClient({ ...SHOP_CLIENT, scopes })
      const asked = { grant_type: 'password', ...credentials(shop), username, password: PASSWORD }
      const { refresh_token } = await server.signIn(shop, username)
      const narrowed = { grant_type: 'refresh_token', ...credentials(shop), refresh_token }
      const tokens = [
        (await server.requireTokens({ ...asked, scope: scopes.join(' ') })).access_token,
        (await server.requireTokens({ ...narrowed, scope: 'cart' })).access_token,
        await tokenOf(server, other, username),
      ]
      for (const [name, input] of USERS.map(requestOf))
        for (const token of tokens) {
          const { status, body, headers } = await callAccount(server, name, { ...input, token })
          expect([name, status, body]).toEqual([
            name,
            403,
            refusal('insufficient_scope', 'The access token needs the scope account.'),
          ])
          expect(headers.get('WWW-Authenticate')).toBe(
            `Bearer realm="${ISSUER}", error="insufficient_scope", scope="account"`,
          )
        }
      expect(await statusOf((await server.requireTokens({ ...asked, scope: 'account' })).access_token)).toBe(
        200,
      )
    })

    it('a client of a second API of the pool can have the scope account, and the client of the first API cannot', async () => {
      const account = { audience: 'https://shop.test/account', users: 'customers', scopes: ['account'] }
      const storefront = { ...ACCOUNT_SCOPE.apis.storefront, scopes: ['cart'], guest_scopes: ['cart'] }
      const config = { apis: { storefront, account }, accounts: { customers: ACCOUNTS } }
      const both = new TestServer({ config })
      const { username } = await both.addUser()
      const pages = await both.addClient({ ...SHOP_CLIENT, api: 'account' })
      const token = await tokenOf(both, pages, username)
      const renamed = await callAccount(both, 'PATCH /', { token, body: { name: 'Ann' } })
      expect([renamed.status, renamed.body]).toEqual([204, null])
      const asked = { grant_type: 'password', ...credentials(shop), username, password: PASSWORD }
      const refused = await both.postJson({ ...asked, scope: 'account' })
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_scope' }])
      const read = await callAccount(both, 'GET /', { token: await tokenOf(both, shop, username) })
      expect([read.status, read.body]).toMatchObject([403, { error: 'insufficient_scope' }])
    })

    it('every operation that needs a proof refuses a sign-in of more than 10 minutes ago (RFC 9470)', async () => {
      const { token } = await signedIn()
      server.clock.time += 601
      const names: string[] = []
      for (const operation of USERS) {
        const [name, input] = requestOf(operation)
        const { status, body, headers } = await callAccount(server, name, { ...input, token })
        if (!operation.needsProof) {
          expect([name, status]).toEqual([name, 200])
          continue
        }
        names.push(name)
        expect([name, status, body]).toEqual([name, 401, AGAIN])
        expect(headers.get('WWW-Authenticate')).toBe(
          `Bearer realm="${ISSUER}", error="insufficient_user_authentication", max_age="600"`,
        )
      }
      const changes = USERS.filter(({ method, path }) => method !== 'GET' || path === '/data')
      expect(names).toHaveLength(changes.length)
    })

    it('a user with a second factor needs a token of level 2, also to read', async () => {
      const { user, token } = await signedIn()
      await enrol(server, user)
      for (const [name, maxAge] of [
        ['GET /', ''],
        ['GET /data', ', max_age="600"'],
      ] as const) {
        const { status, body, headers } = await callAccount(server, name, { token })
        expect([status, body]).toEqual([401, AGAIN])
        expect(headers.get('WWW-Authenticate')).toBe(
          `Bearer realm="${ISSUER}", error="insufficient_user_authentication", acr_values="urn:sallyport:2"${maxAge}`,
        )
      }
    })

    it('a user who must change the password can do only that', async () => {
      const { token } = await signedIn({ mustChangePassword: true })
      expect(await statusOf(token)).toBe(403)
      const body = { current_password: PASSWORD, password: NEW_PASSWORD }
      expect((await callAccount(server, 'POST /password', { token, body })).status).toBe(204)
    })
  })

  describe('the input', () => {
    it.each([
      ['no JSON', '{', {}, 'The request body is not valid JSON.'],
      ['a list', '[]', {}, 'The request body must be a JSON object.'],
      ['a repeated member', '{"email":"a","email":"b"}', {}, 'A parameter is repeated.'],
      [
        'a form',
        'email=a',
        { 'Content-Type': 'application/x-www-form-urlencoded' },
        'The request body must be plain application/json.',
      ],
      ['no member', '{}', {}, 'The parameter email is missing.'],
      ['an empty member', '{"email":""}', {}, 'The parameter email is missing.'],
      ['a number', '{"email":1}', {}, 'The parameter email must be a string.'],
      ['a text that is no address', '{"email":"x"}', {}, 'The parameter email is not valid.'],
    ])('the API refuses %s as the body', async (_what, body, headers, text) => {
      const { token } = await signedIn()
      const reply = await callAccount(server, 'POST /email', { token, body, headers })
      expect([reply.status, reply.body]).toEqual([400, refusal('invalid_request', text)])
    })

    it('the API refuses a large body with 413, and parameters in the URL', async () => {
      const { token } = await signedIn()
      const large = await callAccount(server, 'POST /email', { token, body: { email: 'x'.repeat(17_000) } })
      expect(large.status).toBe(413)
      const inUrl = await callAccount(server, 'POST /email?email=a', { token, body: { email: 'a' } })
      expect(inUrl.status).toBe(400)
    })
  })

  describe('the account', () => {
    it('a user reads and changes the profile', async () => {
      const { user, token } = await signedIn()
      await setProfile(user.id, { name: 'Ann Lee', given_name: 'Ann', email: 'ann@shop.test' })
      const body = { name: null, family_name: ' Lee ', locale: 'de-ch', email: 'ignored@shop.test' }
      const changed = await callAccount(server, 'PATCH /', { token, body })
      expect([changed.status, changed.body]).toEqual([204, null])
      expect(changed.headers.get('Content-Type')).toBeNull()
      const read = await callAccount(server, 'GET /', { token })
      expect([read.status, read.headers.get('Cache-Control')]).toEqual([200, 'no-store, no-transform'])
      expect(read.body).toEqual({
        sub: user.id,
        username: user.username,
        profile: { given_name: 'Ann', family_name: 'Lee', locale: 'de-CH' },
        email: 'ann@shop.test',
        email_verified: false,
        factors: { authenticator_app: false, passkey: false, required: false },
        created_at: user.createdAt,
        deletion_at: null,
      })
      expect(await auditOf({ subject: user.id, kind: 'account' })).toMatchObject([
        { reason: 'the user changed the profile', client_id: shop.id, api: 'storefront' },
      ])
      const long = await callAccount(server, 'PATCH /', { token, body: { name: 'x'.repeat(201) } })
      expect([long.status, long.body]).toEqual([400, invalid('name')])
      const tag = await callAccount(server, 'PATCH /', { token, body: { locale: 'no tag' } })
      expect([tag.status, tag.body]).toEqual([400, invalid('locale')])
    })

    it('a user changes the password with the current one, and every session ends', async () => {
      const { user, token } = await signedIn()
      const change = (body: object) => callAccount(server, 'POST /password', { token, body })
      const wrong = await change({ current_password: 'wrong', password: NEW_PASSWORD })
      expect([wrong.status, wrong.body]).toEqual([
        400,
        refusal('invalid_grant', 'The user credentials were incorrect.'),
      ])
      const same = await change({ current_password: PASSWORD, password: PASSWORD })
      expect([same.status, same.body]).toEqual([
        400,
        refusal('refused_password', 'The password is the current one.'),
      ])
      const short = await change({ current_password: PASSWORD, password: 'x' })
      expect([short.status, short.body]).toEqual([
        400,
        refusal('refused_password', 'The password is too short or too long.'),
      ])
      const right = await change({ current_password: PASSWORD, password: NEW_PASSWORD })
      expect([right.status, right.body]).toEqual([204, null])
      expect(await statusOf(token)).toBe(401)
      server.clock.time += 5
      await server.signIn(shop, user.username, NEW_PASSWORD)
      expect(await auditOf({ subject: user.id, kind: 'cut_off' })).toMatchObject([
        { reason: 'the password was changed', client_id: shop.id },
      ])
    })

    it('a new address gets a mail, also if another user has it, and the response is the same', async () => {
      const { token } = await signedIn()
      const owner = await addReader(server)
      for (const email of ['new@shop.test', owner.email]) {
        const reply = await callAccount(server, 'POST /email', { token, body: { email } })
        expect([reply.status, reply.body]).toEqual([202, {}])
        expect(await server.takeMails()).toMatchObject([{ to: email }])
      }
    })

    it('a user downloads the stored data without a password hash', async () => {
      const { user, token } = await signedIn()
      const { status, body } = await callAccount(server, 'GET /data', { token })
      expect(status).toBe(200)
      expect(body).toMatchObject({ user: { id: user.id }, events_truncated: false })
      expect(JSON.stringify(body)).not.toContain('argon2')
    })

    it('a user deletes the account with the username, and a later sign-in keeps it', async () => {
      const { user, token } = await signedIn()
      const remove = (username: string) =>
        callAccount(server, 'POST /deletion', { token, body: { username } })
      const wrong = await remove('x')
      expect([wrong.status, wrong.body]).toEqual([400, invalid('username')])
      const { status, body } = await remove(user.username)
      expect([status, body]).toEqual([202, { deletion_at: server.clock.time + 14 * 86_400 }])
      expect(await statusOf(token)).toBe(401)
      server.clock.time += 5
      const again = await tokenOf(server, shop, user.username)
      expect((await callAccount(server, 'GET /', { token: again })).body).toMatchObject({ deletion_at: null })
    })
  })

  it('with `errors: oro` a refusal also has the message and the hint', async () => {
    const oro = new TestServer({
      config: { ...ACCOUNT_SCOPE, errors: 'oro', accounts: { customers: ACCOUNTS } },
    })
    const { username } = await oro.addUser()
    const token = await tokenOf(oro, shop, username)
    const { status, body } = await callAccount(oro, 'POST /email', { token, body: { email: 'x' } })
    const text = 'The parameter email is not valid.'
    const hint = 'Check the `email` parameter'
    expect([status, body]).toEqual([400, { ...refusal('invalid_request', text), message: text, hint }])
  })

  describe('sessions', () => {
    it('a user lists sessions and ends one; a session of another user gets 404', async () => {
      const { user, token } = await signedIn()
      const other = await server.signIn(shop, user.username)
      const list = async () => {
        const { body } = await callAccount(server, 'GET /sessions', { token })
        return (body as { items: { sid: string; is_current: boolean }[] }).items
      }
      const items = await list()
      expect(items.map(({ is_current }) => is_current).sort()).toEqual([false, true])
      expect(items[0]).toEqual({
        sid: expect.any(String),
        client_id: shop.id,
        client_name: 'Corner Shop',
        device: null,
        country: null,
        started_at: server.clock.time,
        last_used_at: server.clock.time,
        expires_at: expect.any(Number),
        is_current: expect.any(Boolean),
      })
      const sid = items.find(({ is_current }) => !is_current)?.sid
      const stranger = await signedIn()
      const foreign = await callAccount(server, `DELETE /sessions/${sid}`, { token: stranger.token })
      expect([foreign.status, foreign.body]).toEqual([404, UNKNOWN])
      expect(await statusOf(other.access_token)).toBe(200)
      const ended = await callAccount(server, `DELETE /sessions/${sid}`, { token })
      expect([ended.status, ended.body]).toEqual([204, null])
      expect([await statusOf(other.access_token), await statusOf(token)]).toEqual([401, 200])
      expect(await list()).toHaveLength(1)
      const unknown = await callAccount(server, 'DELETE /sessions/x', { token })
      expect([unknown.status, unknown.body]).toEqual([404, UNKNOWN])
    })

    it('a user ends every session, also that of the token', async () => {
      const { user, token } = await signedIn()
      const other = await server.signIn(shop, user.username)
      const reply = await callAccount(server, 'DELETE /sessions', { token })
      expect([reply.status, reply.body]).toEqual([204, null])
      expect([await statusOf(other.access_token), await statusOf(token)]).toEqual([401, 401])
    })

    it('the end of another session keeps the browser session that both began in', async () => {
      const user = await server.addUser()
      const browser = browserOf(server)
      const [first, second] = [await server.addClient(CODE_CLIENT), await server.addClient(CODE_CLIENT)]
      const tokens = async (client: TestClient) => {
        const response = await authorize(server, client, { username: user.username, browser })
        return server.requireTokens(exchangeOf(client, response.get('code')))
      }
      const { access_token: token } = await tokens(first)
      await tokens(second)
      const { body } = await callAccount(server, 'GET /sessions', { token })
      const { items } = body as { items: { sid: string; is_current: boolean }[] }
      const sid = items.find(({ is_current }) => !is_current)?.sid
      expect((await callAccount(server, `DELETE /sessions/${sid}`, { token })).status).toBe(204)
      expect((await browser.open(`${ISSUER}/account/customers`)).html).toContain(user.username)
    })

    it('the end of a session from before the sign-in of the caller ends the browser session of the caller', async () => {
      const user = await server.addUser()
      const browser = browserOf(server)
      const client = await server.addClient(CODE_CLIENT)
      const tokens = async (changes: Record<string, string>) => {
        const response = await authorize(server, client, { username: user.username, browser, changes })
        return server.requireTokens(exchangeOf(client, response.get('code')))
      }
      const { access_token: earlier } = await tokens({})
      const { access_token: token } = await tokens({ prompt: 'login' })
      const { body } = await callAccount(server, 'GET /sessions', { token })
      const { items } = body as { items: { sid: string; is_current: boolean }[] }
      const sid = items.find(({ is_current }) => !is_current)?.sid
      expect((await callAccount(server, `DELETE /sessions/${sid}`, { token })).status).toBe(204)
      expect([await statusOf(earlier), await statusOf(token)]).toEqual([401, 200])
      expect((await browser.open(`${ISSUER}/account/customers`)).html).toContain('<h1>Sign in</h1>')
    })

    it('a user withdraws the access of an application once', async () => {
      const user = await server.addUser()
      const app = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Price Watch' })
      const browser = browserOf(server)
      await browser.open(authorizeUrl(app, { scope: 'cart' }))
      await signInAt(browser, user.username)
      const { url } = await browser.press('Allow')
      await server.requireTokens(exchangeOf(app, url.searchParams.get('code')))
      const token = await tokenOf(server, shop, user.username)
      const list = () => callAccount(server, 'GET /applications', { token })
      expect((await list()).body).toEqual({
        items: [
          {
            consent_id: expect.any(String),
            client_id: app.id,
            client_name: 'Price Watch',
            api: 'storefront',
            redirect_uri: CALLBACK,
            scopes: expect.any(Array),
            created_at: server.clock.time,
          },
        ],
      })
      const withdraw = () => callAccount(server, `DELETE /applications/${app.id}`, { token })
      expect((await withdraw()).status).toBe(204)
      expect((await list()).body).toEqual({ items: [] })
      const again = await withdraw()
      expect([again.status, again.body]).toEqual([404, UNKNOWN])
    })
  })

  describe('passkeys', () => {
    it('a user adds, names and removes a passkey', async () => {
      const { user, token } = await signedIn()
      const call = (operation: string, body?: unknown) =>
        callAccount(server, operation, compact({ token, body }))
      const started = await call('POST /passkeys/options')
      const { sealed, options } = started.body as { sealed: string; options: CreationOptionsJson }
      expect([started.status, options.user.name]).toEqual([200, user.username])
      const device = await SoftwareAuthenticator.make('ES256', ISSUER)
      const response = await device.create(options)
      const added = await call('POST /passkeys', { sealed, response })
      const passkey = {
        id: expect.any(String),
        name: 'Passkey',
        rp_id: 'shop.test',
        created_at: server.clock.time,
        last_used_at: null,
      }
      expect([added.status, added.body]).toEqual([201, passkey])
      const again = await call('POST /passkeys', { sealed, response })
      expect([again.status, again.body]).toEqual([400, invalid('response')])
      const { id } = added.body as { id: string }
      expect((await call(`PATCH /passkeys/${id}`, { name: 'Phone' })).status).toBe(204)
      expect((await call('GET /passkeys')).body).toEqual({ items: [{ ...passkey, id, name: 'Phone' }] })
      expect((await call(`DELETE /passkeys/${id}`)).status).toBe(204)
      expect((await call('GET /passkeys')).body).toEqual({ items: [] })
      const events = await auditOf({ kind: 'factor', subject: user.id })
      expect(events.map((event) => event.client_id)).toEqual([shop.id, shop.id])
    })

    it('a user does not see, name or remove a passkey of another user, or add one with a challenge of another session', async () => {
      const [{ user, token }, other] = [await signedIn(), await signedIn()]
      const { passkey } = await registerPasskey(server, other.user)
      for (const [operation, body] of [
        [`PATCH /passkeys/${passkey.id}`, { name: 'x' }],
        [`DELETE /passkeys/${passkey.id}`, undefined],
      ] as const) {
        const reply = await callAccount(server, operation, compact({ token, body }))
        expect([operation, reply.status, reply.body]).toEqual([operation, 404, UNKNOWN])
      }
      expect((await callAccount(server, 'GET /passkeys', { token })).body).toEqual({ items: [] })
      expect(await server.services.passkeys.list(other.user.id)).toMatchObject([{ name: passkey.name }])
      const started = await callAccount(server, 'POST /passkeys/options', { token })
      const { sealed, options } = started.body as { sealed: string; options: CreationOptionsJson }
      const response = await (await SoftwareAuthenticator.make('ES256', ISSUER)).create(options)
      for (const thief of [other.token, await tokenOf(server, shop, user.username)]) {
        const reply = await callAccount(server, 'POST /passkeys', {
          token: thief,
          body: { sealed, response },
        })
        expect([reply.status, reply.body]).toEqual([400, invalid('response')])
      }
    })
  })

  describe('the second factor', () => {
    it('a user sets up an authenticator app, and then needs it for every operation', async () => {
      const { user, token } = await signedIn()
      const none = await callAccount(server, 'DELETE /authenticator-app', { token })
      expect([none.status, none.body]).toEqual([404, UNKNOWN])
      const started = await callAccount(server, 'POST /authenticator-app', { token })
      const { sealed, secret, uri } = started.body as Record<'sealed' | 'secret' | 'uri', string>
      expect([started.status, uri]).toEqual([200, expect.stringMatching(/^otpauth:\/\/totp\//)])
      const app = appOf(secret)
      const confirm = (code: string, by = token) =>
        callAccount(server, 'POST /authenticator-app/confirm', { token: by, body: { sealed, code } })
      const wrong = await confirm(await wrongCode(app, server.clock.time))
      expect([wrong.status, wrong.body]).toEqual([
        400,
        refusal('invalid_grant', 'The user credentials were incorrect.'),
      ])
      const code = await app.codeAt(server.clock.time)
      const foreign = await confirm(code, (await signedIn()).token)
      expect([foreign.status, foreign.body]).toEqual([400, invalid('sealed')])
      const added = await confirm(code)
      expect([added.status, added.body]).toEqual([
        200,
        { recovery_codes: Array.from({ length: 10 }, () => expect.any(String)) },
      ])
      const after = await callAccount(server, 'POST /recovery-codes', { token })
      expect([after.status, after.body]).toEqual([401, AGAIN])
      expect((await server.services.userAdmin.find(user.id))?.hasTotp).toBe(true)
    })

    it('a user with a token of level 2 renews the recovery codes and removes the app', async () => {
      const user = await server.addUser()
      const app = await enrol(server, user)
      const client = await server.addClient(CODE_CLIENT)
      const browser = browserOf(server)
      await authorize(server, client, { username: user.username, browser })
      const { url } = await browser.press('Continue', { '6-digit code': await app.codeAt(server.clock.time) })
      const tokens = await server.requireTokens(exchangeOf(client, url.searchParams.get('code')))
      const token = tokens.access_token
      const renewed = await callAccount(server, 'POST /recovery-codes', { token })
      expect([renewed.status, Object.keys(Object(renewed.body))]).toEqual([200, ['recovery_codes']])
      expect((await callAccount(server, 'GET /', { token })).body).toMatchObject({
        factors: { authenticator_app: true, passkey: false, required: false },
      })
      const removed = await callAccount(server, 'DELETE /authenticator-app', { token })
      expect([removed.status, removed.body]).toEqual([204, null])
      expect((await server.services.userAdmin.find(user.id))?.hasTotp).toBe(false)
    })
  })

  describe('a forgotten password', () => {
    it('the response and the rows are the same for every name, and do not wait for D1; only a known address gets a mail', async () => {
      const reader = await addReader(server)
      const tables = ['one_time_values', 'mail_budgets', 'sign_in_failures', 'audit_events']
      const countRows = () =>
        Promise.all(tables.map((name) => env.DB.prepare(`SELECT count(*) AS n FROM ${name}`).first('n')))
      const seen: unknown[] = []
      for (const username of [reader.email, reader.username, 'unknown@shop.test', 'unknown']) {
        await env.DB.prepare('DELETE FROM mail_budgets').run()
        const before = await countRows()
        const reply = await callAsClient(server, '/password-reset', { client: shop, username })
        expect([reply.status, reply.body]).toEqual([202, {}])
        seen.push([before, await countRows()])
      }
      expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(1)
      expect((await server.takeMails()).map(({ to }) => to)).toEqual([reader.email, reader.email])
      const failing = vi.spyOn(server.services.users, 'findByName').mockRejectedValue(new Error('D1 is down'))
      onTestFinished(() => failing.mockRestore())
      const away = await callAsClient(server, '/password-reset', { client: shop, username: reader.email })
      expect([away.status, failing.mock.calls.length]).toEqual([202, 1])
    })

    it('the token of the link sets a password once and ends the sessions of the user', async () => {
      const reader = await addReader(server)
      const before = await tokenOf(server, shop, reader.username)
      await callAsClient(server, '/password-reset', { client: shop, username: reader.email })
      const token = tokenOfLink(await takeLink(server, 'reset-password'))
      const confirm = (password: string) =>
        callAsClient(server, '/password-reset/confirm', { client: shop, token, password })
      expect((await confirm('x')).body).toMatchObject({ error: 'refused_password' })
      const set = await confirm(NEW_PASSWORD)
      expect([set.status, set.body]).toEqual([204, null])
      expect(await statusOf(before)).toBe(401)
      const again = await confirm('another long passphrase')
      expect([again.status, again.body]).toEqual([400, invalid('token')])
      server.clock.time += 5
      await server.signIn(shop, reader.username, NEW_PASSWORD)
      expect(await auditOf({ subject: reader.id, kind: 'cut_off' })).toMatchObject([
        { reason: 'the password was set by a link', client_id: shop.id },
      ])
    })

    it('the API refuses clients of another pool, third-party clients, wrong secrets and missing members', async () => {
      const foreign = await server.addClient({ ...SHOP_CLIENT, api: 'backoffice' })
      const third = await server.addClient({ grants: ['password'] })
      for (const client of [foreign, third]) {
        const reply = await callAsClient(server, '/password-reset', { client, username: 'a@shop.test' })
        expect([reply.status, reply.body]).toMatchObject([400, { error: 'unauthorized_client' }])
      }
      const guess = { ...shop, secret: 'wrong' }
      const wrong = await callAsClient(server, '/password-reset', { client: guess, username: 'a@shop.test' })
      expect([wrong.status, wrong.body]).toMatchObject([401, { error: 'invalid_client' }])
      const empty = await callAsClient(server, '/password-reset', { client: shop })
      expect([empty.status, empty.body]).toEqual([400, missing('username')])
    })
  })
})
