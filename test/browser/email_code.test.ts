import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { authorizeUrl, browserOf, CALLBACK, CODE_CLIENT, exchangeOf, signInAt } from '../support/authorize.ts'
import { MAIL } from '../support/mail_sink.ts'
import { takeCodes as codesIn, addReader as newReader, setAddress, wrongOf } from '../support/mailed_codes.ts'
import type { PageBrowser, ShownPage } from '../support/page_browser.ts'
import { tryInParallel } from '../support/parallel_codes.ts'
import { appOf } from '../support/second_factor.ts'
import { emptyStores, ISSUER, type TestClient, TestServer } from '../support/server.ts'
import { changePassword, disableUser, signOutUser } from '../support/sign_out.ts'

const CODE = '6-digit code'
const REQUEST = 'Email me a code'
const WRONG = 'The code is wrong or no longer valid.'
const SESSION = '__Host-sallyport-customers'

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const isAtClient = ({ url }: ShownPage) => url.href.startsWith(CALLBACK)

let server: TestServer
let client: TestClient

const serverWith = (customers: Record<string, unknown> = {}, changes: Record<string, unknown> = {}) =>
  new TestServer({
    config: { mail: MAIL, accounts: { customers: { email_code: 'sign_in', ...customers } }, ...changes },
  })

const addReader = (changes: Parameters<TestServer['addUser']>[0] = {}) => newReader(server, changes)
const takeCodes = () => codesIn(server)

async function open(browser: PageBrowser = browserOf(server)): Promise<PageBrowser> {
  await browser.open(authorizeUrl(client))
  return browser
}

/** Requests a code on a new page of the sign-in. */
async function request(name: string, browser?: PageBrowser): Promise<PageBrowser> {
  const opened = await open(browser)
  await opened.press(REQUEST, { Username: name })
  return opened
}

async function takeCode(): Promise<string> {
  const codes = await takeCodes()
  expect(codes).toHaveLength(1)
  return codes[0] ?? ''
}

const type = (browser: PageBrowser, code: string) => browser.press('Sign in', { [CODE]: code })

/** The numbers of rows in the tables that a request or a try writes. */
async function countRows(): Promise<unknown> {
  const tables = ['one_time_values', 'mail_budgets', 'sign_in_failures']
  const counts = tables.map((table) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first('n'))
  return Promise.all(counts)
}

beforeEach(async () => {
  await emptyStores()
  server = serverWith()
  client = await server.addClient(CODE_CLIENT)
})

describe('a sign-in by a code in a mail', () => {
  it.each(['the username', 'the address', 'the address in capitals'])(
    'a user who types %s gets a code, and the code signs the user in without a password',
    async (what) => {
      const user = await addReader()
      const names = { 'the username': user.username, 'the address': user.email }
      const browser = await request(names[what as keyof typeof names] ?? user.email.toUpperCase())
      expect([browser.page.status, headingOf(browser.page)]).toEqual([200, 'Check your email'])
      expect(browser.page.html).toContain('autocomplete="one-time-code"')
      expect(browser.page.html).toContain('inputmode="numeric"')
      expect(browser.cookie(SESSION)).toBeUndefined()
      const [mail] = await server.takeMails()
      expect(mail).toMatchObject({ kind: 'email_code', to: user.email, language: 'en' })
      const [code = ''] = /\b\d{6}\b/.exec(mail?.text ?? '') ?? []
      const end = await type(browser, ` ${code.slice(0, 3)} ${code.slice(3)} `)
      const tokens = await server.requireTokens(exchangeOf(client, end.url.searchParams.get('code')))
      const claims = { sub: user.id, amr: ['otp'], acr: 'urn:sallyport:1', auth_time: server.clock.time }
      expect(decodeJwt(tokens.access_token)).toMatchObject(claims)
    },
  )

  it('a wrong code shows the page again with the same text for each reason', async () => {
    const { username, id } = await addReader()
    const browser = await request(username)
    const code = await takeCode()
    const refused = await type(browser, wrongOf(code))
    expect([refused.status, headingOf(refused)]).toEqual([400, 'Check your email'])
    expect(refused.html).toContain(WRONG)
    await server.settle()
    const [event] = await auditOf({ kind: 'sign_in_failure', subject: id })
    expect(event).toMatchObject({ outcome: 'refused', reason: 'wrong email code' })
    expect(isAtClient(await type(browser, code))).toBe(true)
  })

  it('a code is used once, and five tries end it', async () => {
    const { username } = await addReader()
    const browser = await request(username)
    const form = browser.page
    const code = await takeCode()
    expect(isAtClient(await type(browser, code))).toBe(true)
    browser.show(form)
    expect((await type(browser, code)).status).toBe(409)
    const other = await request(username)
    const second = await takeCode()
    for (let i = 1; i <= 5; i++) await type(other, wrongOf(second, i))
    expect((await type(other, second)).html).toContain(WRONG)
    await other.press('Send a new code')
    expect(isAtClient(await type(other, await takeCode()))).toBe(true)
  })

  it('a code expires after 10 minutes', async () => {
    const { username } = await addReader()
    for (const [seconds, isRight] of [
      [599, true],
      [600, false],
    ] as const) {
      const browser = await request(username)
      const code = await takeCode()
      server.clock.time += seconds
      expect(isAtClient(await type(browser, code))).toBe(isRight)
    }
  })

  it('the form and the code of another browser grant nothing', async () => {
    const { username } = await addReader()
    const victim = await request(username)
    const code = await takeCode()
    const stranger = await request(username)
    await takeCodes()
    expect((await type(stranger, code)).html).toContain(WRONG)
    stranger.show(victim.page)
    expect((await type(stranger, code)).html).toContain('The form was made for another browser.')
    expect(stranger.cookie(SESSION)).toBeUndefined()
  })

  it('of 40 parallel tries of the right code in two isolates, exactly one signs in', async () => {
    const { username } = await addReader()
    const browser = await request(username)
    const form = { path: '/oauth2-token/email-code', code: await takeCode() }
    const targets = await tryInParallel(server, browser, form)
    expect(targets.filter((target) => target.startsWith(CALLBACK))).toHaveLength(1)
    expect(targets.filter((target) => target.startsWith('/oauth2-token/email-code?'))).toHaveLength(39)
  })

  it('thirty wrong codes of an account in two isolates end its codes for a day, for both of its names, with an audit event', async () => {
    const user = await addReader()
    const { username, email } = user
    const isolates = [server, server.anotherIsolate()]
    for (let i = 0; i < 6; i++) {
      const browser = await request(i % 2 === 0 ? username : email, browserOf(isolates[i % 2] ?? server))
      const code = (await takeCodes())[0] ?? '000000'
      for (let j = 1; j <= 5; j++) await type(browser, wrongOf(code, j))
    }
    expect(await auditOf({ kind: 'lock', subject: user.id })).toMatchObject([
      {
        outcome: 'ok',
        reason: 'second_factor: 30 failed sign-ins, locked for 86400 s',
        client_id: client.id,
      },
    ])
    server.clock.time += 3600
    const late = await request(username)
    expect((await type(late, await takeCode())).html).toContain(WRONG)
    server.clock.time += 86_400
    const next = await request(username)
    expect(isAtClient(await type(next, await takeCode()))).toBe(true)
  })

  it('a browser that signed in before has its own budgets of mails and wrong codes', async () => {
    const { username } = await addReader()
    const own = await open()
    await signInAt(own, username)
    expect(own.cookie('__Host-sallyport.device.customers')).toBeDefined()
    const stranger = browserOf(server)
    for (let i = 0; i < 7; i++) {
      await request(username, stranger)
      for (let j = 1; j <= 5; j++) await type(stranger, wrongOf('000000', j))
    }
    expect(await takeCodes()).toHaveLength(5)
    await own.open(authorizeUrl(client, { prompt: 'login' }))
    await own.press(REQUEST, { Username: username })
    expect(isAtClient(await type(own, await takeCode()))).toBe(true)
  })

  it('an address gets five mails an hour over two isolates, and the page is the same above the budget', async () => {
    const { username } = await addReader()
    const pages = []
    for (const isolate of [
      server,
      server.anotherIsolate(),
      server,
      server.anotherIsolate(),
      server,
      server,
    ]) {
      const { status, html } = (await request(username, browserOf(isolate))).page
      pages.push([status, withoutTicket(html)])
    }
    expect(new Set(pages.map((page) => JSON.stringify(page))).size).toBe(1)
    expect(await takeCodes()).toHaveLength(5)
  })

  it.each(['an unknown name', 'an unverified address', 'a disabled user', 'a locked user'])(
    '%s gets no mail, with the same rows, status, headers and body as a known name',
    async (who) => {
      const known = await addReader({ username: 'reader-1' })
      const other = who === 'an unknown name' ? null : await addReader({ username: 'reader-2' })
      if (who === 'an unverified address') await setAddress(other?.id ?? '', 'x@example.com', false)
      if (who === 'a disabled user') await disableUser(server, other?.id ?? '')
      if (who === 'a locked user') await lock('reader-2')
      const observe = async (name: string) => {
        const before = await countRows()
        const browser = await request(name)
        const first = browser.page
        const middle = await countRows()
        const second = await type(browser, '000000')
        const after = await countRows()
        const seen = [first, second].map(({ status, html, headers, url }) => {
          const names = [...headers].filter(([key]) => key !== 'set-cookie')
          return [
            status,
            url.pathname,
            url.href.length,
            names,
            withoutTicket(html).replaceAll(name, ''),
            html.length,
          ]
        })
        return { seen, rows: differenceOf([before, middle, after]) }
      }
      // The first request also writes the rows of the pool and of the client.
      await observe('nobody-0')
      await server.takeMails()
      const one = await observe(known.username)
      expect(await takeCodes()).toHaveLength(1)
      const two = await observe('reader-2')
      expect(two).toEqual(one)
      expect(await takeCodes()).toEqual([])
    },
  )

  it('a code grants nothing after a sign-out, a new password, another address or the end of the account', async () => {
    const ends: ((id: string) => Promise<void>)[] = [
      (id) => signOutUser(server, id),
      (id) => changePassword(server, id, 'no-hash'),
      (id) => disableUser(server, id),
      (id) => setAddress(id, `${crypto.randomUUID()}@example.com`, true),
      async (id) => void (await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(id).run()),
    ]
    for (const end of ends) {
      const { id, username } = await addReader()
      const browser = await request(username)
      const code = await takeCode()
      server.clock.time += 1
      await end(id)
      expect((await type(browser, code)).html).toContain(WRONG)
      expect(browser.cookie(SESSION)).toBeUndefined()
    }
  })

  it('a required second factor follows the code', async () => {
    server = serverWith({ second_factor: 'required' })
    const { username } = await addReader()
    const browser = await request(username)
    const page = await type(browser, await takeCode())
    expect([headingOf(page), browser.cookie(SESSION)]).toEqual(['Set up a second factor', undefined])
    const app = appOf(/<code class="key">([^<]+)</.exec(page.html)?.[1] ?? '')
    const code = await app.codeAt(server.clock.time)
    await browser.press('Confirm the code', { '6-digit code from the app': code })
    const end = await browser.press('I have kept the codes')
    const tokens = await server.requireTokens(exchangeOf(client, end.url.searchParams.get('code')))
    expect(decodeJwt(tokens.access_token)).toMatchObject({ amr: ['otp', 'mfa'], acr: 'urn:sallyport:2' })
  })

  it('the owner of a verified address gets the code, and not a user with that username', async () => {
    const owner = await addReader()
    const squatter = await addReader({ username: owner.email })
    const browser = await request(owner.email)
    expect((await server.takeMails()).map(({ to }) => to)).toEqual([owner.email])
    expect(squatter.email).not.toBe(owner.email)
    expect(headingOf(browser.page)).toBe('Check your email')
  })

  it('a text that is no name is refused at its field, and the page leads back to the password', async () => {
    const { username } = await addReader()
    const browser = await open()
    const refused = await browser.press(REQUEST, { Username: ' ' })
    expect([refused.status, refused.html]).toEqual([400, expect.stringContaining('Type your username or')])
    await browser.press(REQUEST, { Username: username })
    expect(headingOf(await browser.press('Use a password or another address'))).toBe('Sign in')
    expect(isAtClient(await signInAt(browser, username))).toBe(true)
  })

  it('a pool without email_code has no button, and its server refuses the form of an earlier configuration', async () => {
    const { username } = await addReader()
    const browser = await request(username)
    const code = await takeCode()
    const plain = new TestServer({ clock: server.clock })
    expect((await open(browserOf(plain))).page.html).not.toContain(REQUEST)
    const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(browser.page.html) ?? []
    const response = await plain.fetch('/oauth2-token/email-code', {
      method: 'POST',
      headers: {
        Origin: ISSUER,
        Cookie: `__Host-sallyport-form=${browser.cookie('__Host-sallyport-form')}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ ticket, email_code: code }).toString(),
    })
    expect([response.status, response.headers.get('Location')]).toEqual([
      303,
      expect.stringMatching(/^.oauth2-token.email-code\?/),
    ])
    expect(response.headers.get('Set-Cookie')).toBeNull()
  })

  it('no table and no audit event has the code', async () => {
    const { username } = await addReader()
    const browser = await request(username)
    const code = await takeCode()
    await type(browser, code)
    const tables = ['one_time_values', 'mail_budgets', 'sign_in_failures', 'audit_events']
    for (const table of tables) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all()
      expect(JSON.stringify(results)).not.toContain(`"${code}"`)
    }
  })
})

/** Locks an account by ten wrong passwords, which the page does not check for a locked account. */
async function lock(username: string): Promise<void> {
  const account = await server.services.guard.accountKey({ pool: 'customers', username })
  const { failures, now } = { failures: server.services.failures, now: server.clock.time }
  const limits = { failures: 1, lockSeconds: 3600, longestLockSeconds: 3600 }
  for (let i = 0; i < 2; i++) await failures.count([{ ...account, limits }], now)
}

const withoutTicket = (html: string) => html.replaceAll(/name="ticket" value="[^"]+"/g, '')

function differenceOf([before, middle, after]: unknown[]): number[][] {
  const [a, b, c] = [before, middle, after] as [number[], number[], number[]]
  return [b.map((n, i) => n - (a[i] ?? 0)), c.map((n, i) => n - (b[i] ?? 0))]
}
