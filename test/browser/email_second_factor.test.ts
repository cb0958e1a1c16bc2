import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { authorizeUrl, browserOf, CALLBACK, CODE_CLIENT, exchangeOf, signInAt } from '../support/authorize.ts'
import { MAIL } from '../support/mail_sink.ts'
import { addReader, setAddress, takeCodes, takesCode, wrongOf } from '../support/mailed_codes.ts'
import { PageBrowser, type ShownPage } from '../support/page_browser.ts'
import { tryInParallel } from '../support/parallel_codes.ts'
import { enrol } from '../support/second_factor.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { changePassword, disableUser, signOutUser } from '../support/sign_out.ts'

const CODE = '6-digit code'
const SEND = 'Email me a code'
const WRONG = 'The code is wrong or no longer valid.'
const TITLE = 'Confirm that it is you'
const SESSION = '__Host-sallyport-customers'
const TWO = 'urn:sallyport:2'
const LEVEL_2 = { amr: ['pwd', 'otp', 'mfa'], acr: TWO }

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const isAtClient = ({ url }: ShownPage) => url.href.startsWith(CALLBACK)

let server: TestServer
let client: TestClient

const configWith = (customers: Record<string, unknown> = {}) => ({
  mail: MAIL,
  accounts: { customers: { email_code: 'second_factor', second_factor: 'required', ...customers } },
})
const serverWith = (customers: Record<string, unknown> = {}) =>
  new TestServer({ config: configWith(customers) })

async function pendingOf(username: string, browser = browserOf(server)): Promise<PageBrowser> {
  await browser.open(authorizeUrl(client, { prompt: 'login' }))
  await signInAt(browser, username)
  return browser
}

async function takeCode(): Promise<string> {
  const codes = await takeCodes(server)
  expect(codes).toHaveLength(1)
  return codes[0] ?? ''
}

const type = (browser: PageBrowser, code: string) => browser.press('Continue', { [CODE]: code })

async function levelOf(page: ShownPage) {
  const tokens = await server.requireTokens(exchangeOf(client, page.url.searchParams.get('code')))
  return decodeJwt(tokens.access_token)
}

beforeEach(async () => {
  await emptyStores()
  server = serverWith()
  client = await server.addClient(CODE_CLIENT)
})

describe('a code by mail as the second factor', () => {
  it('the right password sends a code to the verified address, and the code gives tokens of level 2', async () => {
    const user = await addReader(server)
    const browser = await pendingOf(user.username)
    expect([browser.page.status, headingOf(browser.page)]).toEqual([200, TITLE])
    expect(browser.page.html).not.toContain(user.email)
    expect(browser.cookie(SESSION)).toBeUndefined()
    const [mail] = await server.takeMails()
    expect(mail).toMatchObject({ kind: 'email_code', to: user.email, language: 'en' })
    expect(mail?.text).toContain('If you did not just type your password, another person knows it.')
    const [code = ''] = /\b\d{6}\b/.exec(mail?.text ?? '') ?? []
    const refused = await type(browser, wrongOf(code))
    expect([refused.status, headingOf(refused)]).toEqual([400, TITLE])
    expect(refused.html).toContain(WRONG)
    await server.settle()
    const [event] = await auditOf({ kind: 'sign_in_failure', subject: user.id })
    expect(event).toMatchObject({ outcome: 'refused', reason: 'wrong second factor' })
    expect(await levelOf(await type(browser, code))).toMatchObject({ sub: user.id, ...LEVEL_2 })
  })

  it('the page appears only after the right password, so it does not reveal whether an account exists', async () => {
    const { username, email } = await addReader(server)
    const wrong = async (name: string) => {
      const browser = browserOf(server)
      await browser.open(authorizeUrl(client))
      const { status, html } = await signInAt(browser, name, 'wrong')
      return { status, html: html.replaceAll(name, '').replaceAll(/value="[^"]+"/g, '') }
    }
    const page = await wrong(username)
    expect(page).toMatchObject({ status: 400, html: expect.stringContaining('<h1>Sign in</h1>') })
    expect([await wrong(email), await wrong(`nobody-${crypto.randomUUID()}`)]).toEqual([page, page])
    expect(await takeCodes(server)).toEqual([])
  })

  it('a session of one factor gets the code by a button, and its GET sends no mail', async () => {
    server = serverWith({ second_factor: 'off' })
    const user = await addReader(server)
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client))
    expect(isAtClient(await signInAt(browser, user.username))).toBe(true)
    const page = await browser.open(authorizeUrl(client, { acr_values: TWO }))
    expect([page.status, headingOf(page)]).toEqual([200, TITLE])
    expect(await takeCodes(server)).toEqual([])
    await browser.press(SEND)
    expect(await levelOf(await type(browser, await takeCode()))).toMatchObject(LEVEL_2)
    const silent = await browser.open(authorizeUrl(client, { acr_values: TWO, prompt: 'none' }))
    expect(silent.url.searchParams.has('code')).toBe(true)
  })

  it('a session that began by a code in a mail needs the password before the second code', async () => {
    server = serverWith({ email_code: 'sign_in', second_factor: 'off' })
    const { username } = await addReader(server)
    let current = server
    const browser = new PageBrowser(async (request) =>
      request.url.startsWith(`${ISSUER}/`) ? current.send(request) : new Response('the application'),
    )
    await browser.open(authorizeUrl(client))
    await browser.press(SEND, { Username: username })
    expect(isAtClient(await browser.press('Sign in', { [CODE]: await takeCode() }))).toBe(true)
    current = new TestServer({ clock: server.clock, config: configWith() })
    expect(headingOf(await browser.open(authorizeUrl(client, { acr_values: TWO })))).toBe('Sign in')
  })

  it('a code is used once, five tries end it, and it expires after 10 minutes', async () => {
    const { username } = await addReader(server)
    const browser = await pendingOf(username)
    const form = browser.page
    const code = await takeCode()
    expect(isAtClient(await type(browser, code))).toBe(true)
    browser.show(form)
    expect((await type(browser, code)).status).toBe(409)
    const other = await pendingOf(username)
    const second = await takeCode()
    for (let i = 1; i <= 5; i++) await type(other, wrongOf(second, i))
    expect((await type(other, second)).html).toContain(WRONG)
    await other.press('Send a new code')
    const third = await takeCode()
    server.clock.time += 600
    expect((await type(other, third)).html).toContain(WRONG)
    await other.press('Send a new code')
    expect(isAtClient(await type(other, await takeCode()))).toBe(true)
  })

  it('of 40 parallel tries of the right code in two isolates, exactly one signs in', async () => {
    const { username } = await addReader(server)
    const browser = await pendingOf(username)
    const form = { path: '/oauth2-token/second-factor/email', code: await takeCode() }
    const targets = await tryInParallel(server, browser, form)
    expect(targets.filter((target) => target.startsWith(CALLBACK))).toHaveLength(1)
  })

  it('a code works in the browser and for the account of its form only', async () => {
    const [ann, bob] = [await addReader(server), await addReader(server)]
    const victim = await pendingOf(ann.username)
    const code = await takeCode()
    const attackers = [await pendingOf(ann.username), await pendingOf(bob.username)]
    await takeCodes(server)
    for (const attacker of attackers) expect((await type(attacker, code)).html).toContain(WRONG)
    const [stranger] = attackers
    stranger?.show(victim.page)
    const refused = await stranger?.press('Continue', { [CODE]: code })
    expect(refused?.html).toContain('The form was made for another browser.')
    expect(isAtClient(await type(victim, code))).toBe(true)
  })

  it('ten wrong codes lock the second factor over isolates and codes, with an audit event, and no mail is sent', async () => {
    const { username, id } = await addReader(server)
    const isolates = [server, server.anotherIsolate()]
    for (let i = 0; i < 2; i++) {
      const browser = await pendingOf(username, browserOf(isolates[i] ?? server))
      const code = await takeCode()
      for (let j = 1; j <= 5; j++) await type(browser, wrongOf(code, j))
      if (i === 1) expect([browser.page.status, browser.page.headers.get('Retry-After')]).toEqual([429, '60'])
    }
    await Promise.all(isolates.map((isolate) => isolate.settle()))
    const [event] = await auditOf({ kind: 'lock', subject: id })
    expect(event?.reason).toBe('second_factor: 10 failed sign-ins, locked for 60 s')
    const locked = await pendingOf(username)
    expect([headingOf(locked.page), await takeCodes(server)]).toEqual([TITLE, []])
    expect((await type(locked, '000000')).status).toBe(429)
    server.clock.time += 60
    await locked.press('Send a new code')
    expect(isAtClient(await type(locked, await takeCode()))).toBe(true)
  })

  it('guesses of one address at many accounts lock the address', async () => {
    const limits = { sign_in_limits: { address: { failures: 3 } } }
    server = new TestServer({ config: { ...configWith(), ...limits } })
    const fromOneAddress = () =>
      new PageBrowser(async (request) => {
        const here = new Request(request)
        here.headers.set('CF-Connecting-IP', '203.0.113.9')
        return request.url.startsWith(`${ISSUER}/`) ? server.send(here) : new Response('the application')
      })
    for (let i = 0; i < 3; i++) {
      const browser = await pendingOf((await addReader(server)).username, fromOneAddress())
      await type(browser, wrongOf(await takeCode()))
    }
    const late = await pendingOf((await addReader(server)).username, fromOneAddress())
    expect([late.page.status, headingOf(late.page)]).toEqual([429, 'Sign in'])
  })

  it('a stranger with the password sends five mails an hour, and cannot lock the mails of a browser of the user', async () => {
    const { username } = await addReader(server)
    const own = await pendingOf(username)
    await type(own, await takeCode())
    const isolates = [server, server.anotherIsolate()]
    for (let i = 0; i < 4; i++) {
      const stranger = await pendingOf(username, browserOf(isolates[i % 2] ?? server))
      await stranger.press('Send a new code')
    }
    expect(await takeCodes(server)).toHaveLength(4)
    await pendingOf(username, own)
    expect(isAtClient(await type(own, await takeCode()))).toBe(true)
  })

  it('a code grants nothing after a sign-out, a new password, another address, an app or the end of the account', async () => {
    const ends: ((user: { id: string; username: string }) => Promise<unknown>)[] = [
      ({ id }) => signOutUser(server, id),
      ({ id }) => changePassword(server, id, 'no-hash'),
      ({ id }) => disableUser(server, id),
      ({ id }) => setAddress(id, `${crypto.randomUUID()}@example.com`, true),
      ({ id }) => setAddress(id, `${crypto.randomUUID()}@example.com`, false),
      (user) => enrol(server, user),
    ]
    for (const end of ends) {
      const user = await addReader(server)
      const browser = await pendingOf(user.username)
      const code = await takeCode()
      server.clock.time += 1
      await end(user)
      expect(isAtClient(await type(browser, code))).toBe(false)
      expect(browser.cookie(SESSION)).toBeUndefined()
    }
  })

  it('a user without a verified address sets up an app, and a user with an app gets no mail', async () => {
    const unverified = await addReader(server)
    await setAddress(unverified.id, unverified.email, false)
    expect(headingOf((await pendingOf(unverified.username)).page)).toBe('Set up a second factor')
    const app = await enrol(server, await addReader(server))
    const browser = await pendingOf(app.user.username)
    expect([headingOf(browser.page), browser.page.html]).toEqual([
      TITLE,
      expect.stringContaining('authenticator app'),
    ])
    expect(await takesCode(server)).toBe(false)
    const code = await app.codeAt(server.clock.time)
    expect(isAtClient(await browser.press('Continue', { [CODE]: code }))).toBe(true)
  })

  it('the password grant gives a user who needs a code 403, and a user who needs none tokens', async () => {
    const own = await server.addClient({ isFirstParty: true })
    const { username } = await addReader(server)
    const request = { grant_type: 'password', ...credentials(own), username, password: PASSWORD }
    const refused = await server.postJson(request)
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: 'insufficient_authorization' },
    ])
    server = serverWith({ second_factor: 'optional' })
    expect(decodeJwt((await server.requireTokens(request)).access_token)).toMatchObject({
      amr: ['pwd'],
      acr: 'urn:sallyport:1',
    })
    expect(await takeCodes(server)).toEqual([])
  })
})
