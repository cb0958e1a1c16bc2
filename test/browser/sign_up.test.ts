import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { LOGOUT } from '../../src/sessions/session.ts'
import { findUsernameWarnings } from '../../src/users/username_warnings.ts'
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
import { setAddress, wrongOf } from '../support/mailed_codes.ts'
import type { PageBrowser, ShownPage } from '../support/page_browser.ts'
import { appOf } from '../support/second_factor.ts'
import { emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'

const SIGN_UP = 'Create an account'
const CODE = '6-digit code'
const WRONG = 'The code is wrong or no longer valid.'
const SESSION = '__Host-sallyport-customers'
const NEW_PASSWORD = { Password: PASSWORD, 'Password again': PASSWORD }

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const isAtClient = ({ url }: ShownPage) => url.href.startsWith(`${CALLBACK}?code=`)
const newAddress = () => `${crypto.randomUUID()}@example.com`

let server: TestServer
let client: TestClient

const serverWith = (customers: Record<string, unknown> = {}, changes: Record<string, unknown> = {}) =>
  new TestServer({
    config: { mail: MAIL, accounts: { customers: { sign_up: true, ...customers } }, ...changes },
  })

/** Opens the page of the address in a new browser, or in that of the caller. */
async function open(browser: PageBrowser = browserOf(server), changes = {}): Promise<PageBrowser> {
  await browser.open(authorizeUrl(client, changes))
  await browser.press(SIGN_UP)
  return browser
}

/** Requests a code for an address. */
async function request(address: string, browser?: PageBrowser): Promise<PageBrowser> {
  const opened = await open(browser)
  await opened.press('Continue', { 'Email address': address })
  return opened
}

async function takeCode(): Promise<string> {
  const [mail, ...others] = await server.takeMails()
  expect([mail?.kind, others]).toEqual(['verify_sign_up', []])
  return /\b\d{6}\b/.exec(mail?.text ?? '')?.[0] ?? ''
}

const type = (browser: PageBrowser, code: string) => browser.press('Continue', { [CODE]: code })
const create = (browser: PageBrowser, fields = {}) =>
  browser.press('Create account', { ...NEW_PASSWORD, ...fields })

/** Requests a code for an address and enters it. */
async function prove(address: string, browser?: PageBrowser): Promise<PageBrowser> {
  const opened = await request(address, browser)
  expect(headingOf(await type(opened, await takeCode()))).toBe('Choose a password')
  return opened
}

const findUsers = async () => (await env.DB.prepare('SELECT * FROM users ORDER BY created_at').all()).results

const TABLES = ['users', 'one_time_values', 'mail_budgets', 'sign_in_failures']

/** The numbers of rows in the tables that a sign-up writes. */
async function countRows(): Promise<number[]> {
  const counts = TABLES.map((table) =>
    env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n'),
  )
  return (await Promise.all(counts)).map((count) => count ?? 0)
}

const withoutTicket = (html: string) => html.replaceAll(/name="ticket" value="[^"]+"/g, '')

beforeEach(async () => {
  await emptyStores()
  server = serverWith()
  client = await server.addClient(CODE_CLIENT)
})

describe('a sign-up', () => {
  it('a visitor proves an address, chooses a password and is signed in', async () => {
    const address = newAddress()
    const browser = await request(` ${address.toUpperCase()} `)
    expect([browser.page.status, headingOf(browser.page)]).toEqual([200, 'Check your email'])
    expect(browser.page.html).toContain(address)
    expect(await findUsers()).toEqual([])
    await type(browser, await takeCode())
    expect([headingOf(browser.page), browser.cookie(SESSION)]).toEqual(['Choose a password', undefined])
    expect(browser.page.html.match(/autocomplete="[^"]+"/g)).toEqual([
      'autocomplete="username"',
      'autocomplete="name"',
      'autocomplete="new-password"',
      'autocomplete="new-password"',
    ])
    expect(await findUsers()).toEqual([])
    const end = await create(browser, { 'Name (optional)': 'Zoë Example' })
    const tokens = await server.requireTokens(exchangeOf(client, end.url.searchParams.get('code')))
    const [user] = await findUsers()
    expect(user).toMatchObject({ username: address, pool: 'customers', enabled: 1, roles: '[]' })
    expect(JSON.parse(String(user?.profile))).toEqual({
      email: address,
      email_verified: true,
      locale: 'en',
      name: 'Zoë Example',
    })
    const claims = { sub: user?.id, amr: ['pwd'], acr: 'urn:sallyport:1', auth_time: server.clock.time }
    expect(decodeJwt(tokens.access_token)).toMatchObject(claims)
    expect(await auditOf({ kind: 'sign_up' })).toMatchObject([
      { outcome: 'ok', reason: 'sign-up by email', subject: user?.id, client_id: client.id },
    ])
    const again = await authorize(server, client, { username: address })
    expect(again.get('code')).not.toBeNull()
  })

  it.each([
    ['with', { passkeys: { rp_id: 'shop.test' } }, 'yes', true],
    ['without', { passkeys: { rp_id: 'shop.test' } }, '', false],
    ['with', {}, 'yes', false],
  ])(
    'the end of a sign-up on a device %s passkeys, in a pool with %j: whether it offers a passkey',
    async (_, customers, reported, isOffered) => {
      server = serverWith(customers)
      const browser = await prove(newAddress())
      const hasField = browser.page.html.includes('name="can_have_passkey"')
      const hasScript = browser.page.html.includes('passkey.js')
      expect([hasField, hasScript]).toEqual('passkeys' in customers ? [true, true] : [false, false])
      const end = await create(browser, hasField ? { can_have_passkey: reported } : {})
      expect([headingOf(end) === 'Add a passkey', isAtClient(end)]).toEqual([isOffered, !isOffered])
      if (isOffered) expect(isAtClient(await browser.press('Not now'))).toBe(true)
    },
  )

  it('the owner of a taken address gets a mail, and the page, the rows and the budgets are those of a free address', async () => {
    const user = await server.addUser({ username: `${crypto.randomUUID()}@example.com` })
    const other = await server.addUser()
    const verified = newAddress()
    await setAddress(other.id, verified, true)
    const observe = async (address: string) => {
      const before = await countRows()
      const browser = await request(address)
      const first = browser.page
      await server.settle()
      const middle = await countRows()
      const kinds = (await server.takeMails()).map(({ kind, to }) => [kind, to === address])
      const second = await type(browser, '000000')
      await server.settle()
      const after = await countRows()
      const seen = [first, second].map(({ status, html, headers, url }) => [
        status,
        url.pathname,
        url.href.length,
        html.length,
        [...headers].filter(([name]) => name !== 'set-cookie'),
        withoutTicket(html).replaceAll(address, ''),
      ])
      const rows = [middle, after].map((counts) => counts.map((count, i) => count - (before[i] ?? 0)))
      return { kinds, same: { seen, rows } }
    }
    // The first request also writes the rows of the pool and of the client.
    await observe(newAddress())
    const free = await observe(newAddress())
    expect(free.kinds).toEqual([['verify_sign_up', true]])
    for (const taken of [user.username, verified]) {
      const { kinds, same } = await observe(taken)
      expect(kinds).toEqual([['address_has_account', true]])
      expect(same).toEqual(free.same)
    }
  })

  it('no code of a taken address works, also after the account is gone', async () => {
    const { id, username } = await server.addUser({ username: newAddress() })
    const browser = await request(username)
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(id).run()
    const { results } = await env.DB.prepare('SELECT max_tries FROM one_time_values').all()
    expect(results).toEqual([{ max_tries: 5 }])
    expect((await server.takeMails()).map(({ text }) => /\b\d{6}\b/.test(text))).toEqual([false])
    expect((await type(browser, '000000')).html).toContain(WRONG)
  })

  it('an address gets five mails an hour over two isolates, and the page is the same above the budget', async () => {
    const address = newAddress()
    const pages = []
    for (let i = 0; i < 7; i++) {
      const { status, html } = (await request(address, browserOf(i % 2 ? server.anotherIsolate() : server)))
        .page
      pages.push(JSON.stringify([status, withoutTicket(html)]))
    }
    expect(new Set(pages).size).toBe(1)
    expect(await server.takeMails()).toHaveLength(5)
  })

  it('a sender can request 30 mails an hour, for any addresses', async () => {
    const browser = await open(browserOf(server))
    const [, ticket = ''] =
      /action="\/oauth2-token\/sign-up".*?name="ticket" value="([^"]+)"/s.exec(browser.page.html) ?? []
    const headers = {
      Origin: ISSUER,
      Cookie: `__Host-sallyport-form=${browser.cookie('__Host-sallyport-form')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
      'CF-Connecting-IP': '192.0.2.7',
    }
    for (let i = 0; i < 33; i++) {
      const body = new URLSearchParams({ ticket, username: newAddress() }).toString()
      const response = await server.fetch('/oauth2-token/sign-up', { method: 'POST', headers, body })
      expect(response.status).toBe(303)
    }
    expect(await server.takeMails()).toHaveLength(30)
  })

  it('a code is used once, five tries end it, and it expires after 10 minutes', async () => {
    const browser = await request(newAddress())
    const form = browser.page
    const code = await takeCode()
    expect(headingOf(await type(browser, code))).toBe('Choose a password')
    browser.show(form)
    expect((await type(browser, code)).html).toContain(WRONG)
    await browser.press('Send a new code')
    const second = await takeCode()
    for (let i = 1; i <= 5; i++) await type(browser, wrongOf(second, i))
    expect((await type(browser, second)).html).toContain(WRONG)
    await browser.press('Use another address')
    await browser.press('Continue', { 'Email address': newAddress() })
    const third = await takeCode()
    server.clock.time += 600
    expect((await type(browser, third)).html).toContain(WRONG)
    await server.settle()
    expect(
      new Set(
        (await auditOf({ kind: 'sign_in_failure' })).map(({ reason, subject }) => [reason, subject].join()),
      ),
    ).toEqual(new Set(['wrong sign-up code,']))
    expect(await findUsers()).toEqual([])
  })

  it('thirty wrong codes of an address in two isolates end its codes for a day', async () => {
    const address = newAddress()
    for (let i = 0; i < 6; i++) {
      const browser = await request(address, browserOf(i % 2 ? server.anotherIsolate() : server))
      const [mail] = await server.takeMails()
      const code = /\b\d{6}\b/.exec(mail?.text ?? '')?.[0] ?? '000000'
      for (let j = 1; j <= 5; j++) await type(browser, wrongOf(code, j))
    }
    server.clock.time += 3600
    const late = await request(address)
    expect((await type(late, await takeCode())).html).toContain(WRONG)
    server.clock.time += 86_400
    await prove(address)
  })

  it('the forms and the code of another browser grant nothing', async () => {
    const address = newAddress()
    const victim = await request(address)
    const code = await takeCode()
    const stranger = await request(newAddress())
    await server.takeMails()
    expect((await type(stranger, code)).html).toContain(WRONG)
    stranger.show(victim.page)
    expect((await type(stranger, code)).html).toContain('The form was made for another browser.')
    await type(victim, code)
    stranger.show(victim.page)
    expect((await create(stranger)).html).toContain('The form was made for another browser.')
    expect([stranger.cookie(SESSION), await findUsers()]).toEqual([undefined, []])
  })

  it('a code of a sign-in does not work for a sign-up, and a code of a sign-up does not work for a sign-in', async () => {
    server = serverWith({ email_code: 'sign_in' })
    const { id, username } = await server.addUser()
    await setAddress(id, newAddress(), true)
    const browser = await request(newAddress())
    const signUpCode = await takeCode()
    const other = browserOf(server)
    await other.open(authorizeUrl(client))
    await other.press('Email me a code', { Username: username })
    const [mail] = await server.takeMails()
    const code = /\b\d{6}\b/.exec(mail?.text ?? '')?.[0] ?? ''
    expect((await type(browser, code)).html).toContain(WRONG)
    expect((await other.press('Sign in', { [CODE]: signUpCode })).html).toContain(WRONG)
  })

  it('of two sign-ups with one address at once one creates the account, and the other one gets the page of a wrong code', async () => {
    const address = newAddress()
    const first = await prove(address)
    const second = await prove(address, browserOf(server.anotherIsolate()))
    const pages = await Promise.all([create(first), create(second)])
    expect(pages.map(isAtClient).toSorted()).toEqual([false, true])
    const loser = isAtClient(pages[0]) ? second : first
    expect([headingOf(loser.page), loser.page.html, loser.cookie(SESSION)]).toEqual([
      'Check your email',
      expect.stringContaining(WRONG),
      undefined,
    ])
    expect(await findUsers()).toHaveLength(1)
    expect(await auditOf({ kind: 'sign_up' })).toHaveLength(1)
    expect((await server.takeMails()).map(({ kind, to }) => [kind, to])).toEqual([
      ['address_has_account', address],
    ])
  })

  it('another user who verifies the address before the end of the sign-up keeps it', async () => {
    const address = newAddress()
    const browser = await prove(address)
    const { id } = await server.addUser()
    await setAddress(id, address, true)
    expect(headingOf(await create(browser))).toBe('Check your email')
    expect(await findUsers()).toHaveLength(1)
    expect((await server.takeMails()).map(({ kind }) => kind)).toEqual(['address_has_account'])
  })

  it('the proof of an address creates one account, also after the account is gone', async () => {
    const browser = await prove(newAddress())
    const form = browser.page
    expect(isAtClient(await create(browser))).toBe(true)
    await env.DB.prepare('DELETE FROM users').run()
    browser.show(form)
    expect(isAtClient(await create(browser))).toBe(false)
    expect(await findUsers()).toEqual([])
  })

  it('the proof of an address expires after 30 minutes, and a refused password does not renew it', async () => {
    const browser = await prove(newAddress())
    server.clock.time += 1000
    const refused = await create(browser, { Password: 'short', 'Password again': 'short' })
    expect([refused.status, headingOf(refused)]).toEqual([400, 'Choose a password'])
    server.clock.time += 801
    const late = await create(browser)
    expect([headingOf(late), late.html]).toEqual([SIGN_UP, expect.stringContaining('open for too long')])
    expect(await findUsers()).toEqual([])
  })

  it('refused values of the last page keep the name, and say what to change', async () => {
    const browser = await prove(newAddress())
    const cases = [
      [{ 'Password again': 'another password' }, 'The two new passwords differ.'],
      [{ Password: 'password1234', 'Password again': 'password1234' }, 'This password is very common'],
      [{ 'Name (optional)': 'Zoe\u202e' }, 'Use at most 200 characters in one line.'],
    ] as const
    for (const [fields, text] of cases) {
      const page = await create(browser, { 'Name (optional)': 'Zoe', ...fields })
      expect([page.status, page.html]).toEqual([400, expect.stringContaining(text)])
      expect(page.html).toContain(' value="Zoe')
    }
    expect(isAtClient(await create(browser, { 'Name (optional)': 'Zoe' }))).toBe(true)
  })

  it.each([
    'guest',
    ' ',
    'zoe',
    'zoe@',
    'ｚoe@example.com',
    'zoe@example.com\u200b',
    `${'z'.repeat(250)}@example.com`,
  ])('the text %j is no address for an account, without a look at the stores', async (text) => {
    const browser = await open()
    const before = await countRows()
    const page = await browser.press('Continue', { 'Email address': text })
    expect([page.status, page.html]).toEqual([400, expect.stringContaining('Type an email address, such as')])
    expect(await countRows()).toEqual(before)
    expect(await server.takeMails()).toEqual([])
  })

  it('an address in capitals is the same address, and a lookalike is another one that operators are warned of', async () => {
    const { username } = await server.addUser({ username: 'paypal@example.com' })
    await request(username.toUpperCase())
    expect((await server.takeMails()).map(({ kind }) => kind)).toEqual(['address_has_account'])
    const lookalike = 'раураl@example.com'
    await create(await prove(lookalike))
    const names = (await findUsers()).map((user) => String(user.username))
    expect(new Set(names)).toEqual(new Set([username, lookalike]))
    expect(findUsernameWarnings(lookalike)).toEqual(['mixes Cyrillic and Latin letters'])
  })

  it('a sign-up while another user is signed in signs the other user out of the browser', async () => {
    const { username } = await server.addUser()
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const before = browser.cookie(SESSION)
    await browser.open(authorizeUrl(client, { prompt: 'login' }))
    await browser.press(SIGN_UP)
    const address = newAddress()
    await browser.press('Continue', { 'Email address': address })
    await type(browser, await takeCode())
    const end = await create(browser)
    const tokens = await server.requireTokens(exchangeOf(client, end.url.searchParams.get('code')))
    const created = (await findUsers()).find((user) => user.username === address)
    expect(decodeJwt(tokens.access_token).sub).toBe(created?.id)
    expect(browser.cookie(SESSION)).not.toBe(before)
    const { results } = await env.DB.prepare('SELECT reason FROM ended_browser_sessions').all()
    expect(results).toEqual([{ reason: LOGOUT }])
  })

  it('a sign-in in another tab during the sign-up makes the form grant nothing', async () => {
    const browser = await prove(newAddress())
    const form = browser.page
    const { username } = await server.addUser()
    await authorize(server, client, { username, browser })
    browser.show(form)
    const page = await create(browser)
    expect([page.status, headingOf(page)]).toEqual([409, `You are signed in as ${username}`])
    expect(isAtClient(await browser.press(`Continue as ${username}`))).toBe(true)
    expect(await findUsers()).toHaveLength(1)
  })

  it('a required second factor is set up at the end of the sign-up', async () => {
    server = serverWith({ second_factor: 'required' })
    const browser = await prove(newAddress())
    const page = await create(browser)
    expect([headingOf(page), browser.cookie(SESSION)]).toEqual(['Set up a second factor', undefined])
    const app = appOf(/<code class="key">([^<]+)</.exec(page.html)?.[1] ?? '')
    const code = await app.codeAt(server.clock.time)
    await browser.press('Confirm the code', { '6-digit code from the app': code })
    const end = await browser.press('I have kept the codes')
    const tokens = await server.requireTokens(exchangeOf(client, end.url.searchParams.get('code')))
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      amr: ['pwd', 'otp', 'mfa'],
      acr: 'urn:sallyport:2',
    })
  })

  it('a guest who signs up keeps the visitor id, and the session of the guest ends', async () => {
    const shop = await server.addClient({ ...CODE_CLIENT, grants: ['password', ...CODE_CLIENT.grants] })
    const guest = await server.signIn(shop, 'guest', 'guest')
    client = shop
    const browser = await open(browserOf(server), { visitor_access_token: guest.access_token })
    await browser.press('Continue', { 'Email address': newAddress() })
    await type(browser, await takeCode())
    const end = await create(browser)
    const tokens = await server.requireTokens(exchangeOf(shop, end.url.searchParams.get('code')))
    const { sub: visitor } = decodeJwt(guest.access_token)
    expect(decodeJwt(tokens.access_token)).toMatchObject({ visitor_id: visitor })
    expect(decodeJwt((await server.refresh(shop, tokens.refresh_token)).access_token)).toMatchObject({
      visitor_id: visitor,
    })
    await expect(server.refresh(shop, guest.refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('a pool without sign_up has no button, and its server refuses the forms of an earlier configuration', async () => {
    const browser = await prove(newAddress())
    const { html } = browser.page
    const plain = new TestServer({ clock: server.clock })
    const other = browserOf(plain)
    expect((await other.open(authorizeUrl(client))).html).not.toContain(SIGN_UP)
    const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(html) ?? []
    const body = new URLSearchParams({ ticket, password: PASSWORD, repeated: PASSWORD }).toString()
    const headers = {
      Origin: ISSUER,
      Cookie: `__Host-sallyport-form=${browser.cookie('__Host-sallyport-form')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    }
    const response = await plain.fetch('/oauth2-token/sign-up/account', { method: 'POST', headers, body })
    expect([response.status, response.headers.get('Set-Cookie')]).toEqual([303, null])
    expect(await findUsers()).toEqual([])
  })

  it('no table, audit event and URL has the code or the password', async () => {
    const browser = await request(newAddress())
    const code = await takeCode()
    await type(browser, code)
    await create(browser, { Password: 'a secret passphrase', 'Password again': 'a secret passphras' })
    expect(browser.page.url.href).not.toContain('secret')
    await create(browser, { Password: 'a secret passphrase', 'Password again': 'a secret passphrase' })
    await server.settle()
    for (const table of [...TABLES, 'audit_events']) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all()
      const stored = JSON.stringify(results)
      expect([stored.includes(`"${code}"`), stored.includes('a secret')]).toEqual([false, false])
    }
  })
})

describe('prompt=create (Initiating User Registration via OpenID Connect 1.0)', () => {
  it('the first page is that of the sign-up, with the address of login_hint, also while a user is signed in', async () => {
    const { username } = await server.addUser()
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const hint = newAddress()
    const page = await browser.open(authorizeUrl(client, { prompt: 'create', login_hint: hint }))
    expect([headingOf(page), page.html]).toEqual([SIGN_UP, expect.stringContaining(`value="${hint}"`)])
    await browser.press('Continue')
    await type(browser, await takeCode())
    const end = await create(browser)
    const tokens = await server.requireTokens(exchangeOf(client, end.url.searchParams.get('code')))
    expect((await findUsers()).map(({ id }) => id)).toContain(decodeJwt(tokens.access_token).sub)
  })

  it('a user with an account can sign in, also with an earlier browser session', async () => {
    const { username } = await server.addUser()
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    await browser.open(authorizeUrl(client, { prompt: 'create' }))
    expect(headingOf(await browser.press('I already have an account'))).toBe('Sign in')
    expect(isAtClient(await signInAt(browser, username))).toBe(true)
  })

  it('the metadata lists prompt=create, a pushed request accepts it, and no other prompt can stand with it', async () => {
    const metadata = await server.fetch('/.well-known/openid-configuration')
    const { prompt_values_supported: prompts } = await metadata.json<{ prompt_values_supported: string[] }>()
    expect(prompts).toEqual(['none', 'login', 'consent', 'select_account', 'create'])
    const pushed = Object.fromEntries(new URL(authorizeUrl(client, { prompt: 'create' })).searchParams)
    expect((await server.postJson(pushed, {}, '/oauth2-token/par')).status).toBe(201)
    for (const prompt of ['create login', 'none create'] as const) {
      const end = await browserOf(server).open(authorizeUrl(client, { prompt }))
      expect(Object.fromEntries(end.url.searchParams)).toMatchObject({ error: 'invalid_request' })
    }
  })

  it('a server without sign_up refuses prompt=create', async () => {
    const plain = new TestServer({ clock: server.clock })
    const end = await browserOf(plain).open(authorizeUrl(client, { prompt: 'create' }))
    expect(Object.fromEntries(end.url.searchParams)).toMatchObject({
      error: 'invalid_request',
      error_description: 'The prompt is not supported.',
    })
  })
})
