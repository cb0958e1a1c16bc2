import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import {
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  readCode,
  signInAt,
} from '../support/authorize.ts'
import { PageBrowser, type ShownPage } from '../support/page_browser.ts'
import { appOf, enrol, type TestApp, wrongCode } from '../support/second_factor.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { changePassword, disableUser, signOutUser } from '../support/sign_out.ts'

const COOKIE = '__Host-sallyport-customers'
const TWO = 'urn:sallyport:2'
const CODE = '6-digit code'
const LEVEL_2 = { amr: ['pwd', 'otp', 'mfa'], acr: TWO }

const withAccounts = (customers: Record<string, unknown>) =>
  new TestServer({ config: { accounts: { customers } } })

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const isAtClient = ({ url }: ShownPage) => url.href.startsWith(CALLBACK)
const codeOf = ({ url }: ShownPage) => url.searchParams.get('code')

describe('a sign-in with a second factor', () => {
  const server = withAccounts({ second_factor: 'optional' })
  let client: TestClient
  let partner: TestClient

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
    partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
  })

  const withApp = async (changes = {}) => enrol(server, await server.addUser(changes))
  const pendingOf = async (username: string, changes = {}, of = client): Promise<PageBrowser> => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(of, changes))
    await signInAt(browser, username)
    expect(headingOf(browser.page)).toBe('Confirm that it is you')
    return browser
  }
  const prove = async (browser: PageBrowser, app: TestApp) =>
    browser.press('Continue', { [CODE]: await app.codeAt(server.clock.time) })

  it('a password begins no browser session, and the second factor gives tokens of level 2', async () => {
    const app = await withApp()
    const browser = await pendingOf(app.user.username)
    expect(browser.cookie(COOKIE)).toBeUndefined()
    expect(browser.page.html).toContain(app.user.username)
    const authTime = server.clock.time
    server.clock.time += 40
    const end = await prove(browser, app)
    const tokens = await server.requireTokens(exchangeOf(client, codeOf(end)))
    for (const token of [tokens.access_token, tokens.refresh_token ?? ''])
      expect(decodeJwt(token)).toMatchObject({ sub: app.user.id, auth_time: authTime, ...LEVEL_2 })
    const next = await browser.open(authorizeUrl(client, { acr_values: TWO, prompt: 'none' }))
    expect((await readCode(server, codeOf(next))).auth).toMatchObject({ time: authTime, ...LEVEL_2 })
  })

  it('a recovery code replaces the app once', async () => {
    const app = await withApp()
    const [code = ''] = app.recoveryCodes
    const use = async () =>
      (await pendingOf(app.user.username)).press('Continue with the recovery code', { 'Recovery code': code })
    expect(isAtClient(await use())).toBe(true)
    const again = await use()
    expect([again.status, again.html]).toEqual([400, expect.stringContaining('was used before')])
    expect(again.html).toContain('<details class="aside" open')
  })

  it('a wrong code shows the page again, and the request continues with the next code', async () => {
    const app = await withApp()
    const browser = await pendingOf(app.user.username, { state: 'kept' })
    const refused = await browser.press('Continue', { [CODE]: await wrongCode(app, server.clock.time) })
    expect([refused.status, headingOf(refused)]).toEqual([400, 'Confirm that it is you'])
    expect(refused.html).toContain('The code is wrong or was used before.')
    await server.settle()
    const [event] = await auditOf({ kind: 'sign_in_failure', subject: app.user.id })
    expect(event).toMatchObject({ outcome: 'refused', reason: 'wrong second factor' })
    const end = await prove(browser, app)
    expect(end.url.searchParams.get('state')).toBe('kept')
  })

  it('ten wrong codes lock the second factor for every browser, and right passwords reset no count', async () => {
    const app = await withApp()
    const wrong = await wrongCode(app, server.clock.time)
    for (let i = 0; i < 10; i++) {
      const browser = await pendingOf(app.user.username)
      await browser.press('Continue', { [CODE]: wrong })
      if (i === 9) expect([browser.page.status, browser.page.headers.get('Retry-After')]).toEqual([429, '60'])
    }
    const locked = await prove(await pendingOf(app.user.username), app)
    expect([locked.status, locked.html]).toEqual([429, expect.stringContaining('too many attempts')])
    server.clock.time += 60
    expect(isAtClient(await prove(await pendingOf(app.user.username), app))).toBe(true)
  })

  it('only a finished sign-in resets the failures of the account', async () => {
    const app = await withApp()
    const failed = browserOf(server)
    await failed.open(authorizeUrl(client))
    await signInAt(failed, app.user.username, 'wrong')
    server.clock.time += 20
    const account = await server.services.guard.accountKey({ pool: 'customers', username: app.user.username })
    const failures = async () => (await server.services.failures.find(account, server.clock.time))?.failures
    const browser = await pendingOf(app.user.username)
    await server.settle()
    expect(await failures()).toBe(1)
    await prove(browser, app)
    await server.settle()
    expect(await failures()).toBe(0)
  })

  it('a form of a pending sign-in grants nothing after a sign-out, a new password or the end of the account', async () => {
    const ends: ((id: string) => Promise<void>)[] = [
      (id) => signOutUser(server, id),
      (id) => changePassword(server, id, 'no-hash'),
      (id) => disableUser(server, id),
      async (id) => void (await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(id).run()),
    ]
    for (const end of ends) {
      const app = await withApp()
      const browser = await pendingOf(app.user.username)
      server.clock.time += 1
      await end(app.user.id)
      const page = await prove(browser, app)
      expect([page.status, headingOf(page)]).toEqual([409, 'Sign in'])
      expect(browser.cookie(COOKIE)).toBeUndefined()
    }
  })

  it('the form of a pending sign-in works in its browser only, for 30 minutes, and once', async () => {
    const app = await withApp()
    const browser = await pendingOf(app.user.username)
    const form = browser.page
    const stranger = browserOf(server)
    await stranger.open(authorizeUrl(client))
    stranger.show(form)
    expect((await prove(stranger, app)).html).toContain('The form was made for another browser.')
    server.clock.time += 1800
    const expired = await prove(browser, app)
    expect([headingOf(expired), expired.html]).toEqual([
      'Sign in',
      expect.stringContaining('open for too long'),
    ])
    await signInAt(browser, app.user.username)
    const pending = browser.page
    expect(isAtClient(await prove(browser, app))).toBe(true)
    browser.show(pending)
    const back = await prove(browser, app)
    expect([back.status, headingOf(back)]).toEqual([409, `You are signed in as ${app.user.username}`])
    expect(isAtClient(await browser.press(`Continue as ${app.user.username}`))).toBe(true)
  })

  it('two posts of one code at the same time begin one browser session', async () => {
    const app = await withApp()
    const browser = await pendingOf(app.user.username)
    const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(browser.page.html) ?? []
    const body = new URLSearchParams({ ticket, totp: await app.codeAt(server.clock.time) }).toString()
    const headers = {
      Origin: ISSUER,
      Cookie: `__Host-sallyport-form=${browser.cookie('__Host-sallyport-form')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    }
    const post = () => server.fetch('/oauth2-token/second-factor', { method: 'POST', headers, body })
    const responses = await Promise.all([post(), post()])
    const targets = responses.map(({ headers }) => new URL(headers.get('Location') ?? '', ISSUER).pathname)
    expect(targets.sort()).toEqual(['/callback', '/oauth2-token/second-factor'])
  })

  it('the page leads to another account, and Cancel sends access_denied to the client', async () => {
    const app = await withApp()
    const other = await server.addUser()
    const browser = await pendingOf(app.user.username)
    expect(headingOf(await browser.press('Use another account'))).toBe('Sign in')
    expect(isAtClient(await signInAt(browser, other.username))).toBe(true)
    const cancelled = await (await pendingOf(app.user.username)).press('Cancel')
    expect(cancelled.url.searchParams.get('error')).toBe('access_denied')
  })

  it('the second factor comes before a new password and before the consent', async () => {
    const app = await withApp({ mustChangePassword: true })
    const browser = await pendingOf(app.user.username, {}, partner)
    expect(headingOf(await prove(browser, app))).toBe('Choose a new password')
    server.clock.time += 1
    const next = { 'New password': `${PASSWORD}!`, 'New password again': `${PASSWORD}!` }
    const consent = await browser.press('Set password', { 'Current password': PASSWORD, ...next })
    expect(consent.html).toContain('Allow')
    const end = await browser.press('Allow')
    expect((await readCode(server, codeOf(end))).auth).toMatchObject(LEVEL_2)
  })

  it('a session of level 1 needs the second factor for level 2, and prompt=none gets interaction_required', async () => {
    const user = await server.addUser()
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client))
    await signInAt(browser, user.username)
    const app = await enrol(server, user)
    const silent = await browser.open(authorizeUrl(client, { prompt: 'none' }))
    expect(silent.url.searchParams.get('error')).toBe('interaction_required')
    expect(headingOf(await browser.open(authorizeUrl(client)))).toBe('Confirm that it is you')
    expect((await readCode(server, codeOf(await prove(browser, app)))).auth).toMatchObject(LEVEL_2)
  })

  it('max_age and acr_values work together with a browser session', async () => {
    const app = await withApp()
    const browser = await pendingOf(app.user.username)
    await prove(browser, app)
    server.clock.time += 100
    const demands = { acr_values: TWO, max_age: '60' }
    expect(headingOf(await browser.open(authorizeUrl(client, demands)))).toBe('Sign in')
    await signInAt(browser, app.user.username)
    const end = await prove(browser, app)
    expect((await readCode(server, codeOf(end))).auth).toMatchObject({ time: server.clock.time, ...LEVEL_2 })
    const both = { acr_values: `${TWO} urn:sallyport:1` }
    expect(isAtClient(await browser.open(authorizeUrl(client, both)))).toBe(true)
  })
})

describe('the set-up of a second factor', () => {
  const server = withAccounts({ second_factor: 'required' })
  let client: TestClient

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
  })

  const open = async (username: string): Promise<PageBrowser> => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client))
    await signInAt(browser, username)
    return browser
  }
  const shownApp = ({ html }: ShownPage) => appOf(/<code class="key">([^<]+)</.exec(html)?.[1] ?? '')
  const CODE_OF_APP = '6-digit code from the app'

  it('a user without a factor sets up an app with one sign-in, opens the app on the same device by a link, and sees ten recovery codes once', async () => {
    const { username } = await server.addUser()
    const browser = await open(username)
    expect(headingOf(browser.page)).toBe('Set up a second factor')
    expect(browser.page.html).toContain('<svg xmlns="http://www.w3.org/2000/svg" viewBox')
    const key = /<code class="key">([^<]+)</.exec(browser.page.html)?.[1]?.replaceAll(' ', '')
    const [, link = ''] = /<a href="(otpauth:[^"]+)">Open the authenticator app/.exec(browser.page.html) ?? []
    expect(new URL(link.replaceAll('&amp;', '&')).searchParams.get('secret')).toBe(key)
    expect(browser.cookie(COOKIE)).toBeUndefined()
    const app = shownApp(browser.page)
    const wrong = await wrongCode(app, server.clock.time)
    const refused = await browser.press('Confirm the code', { [CODE_OF_APP]: wrong })
    expect([refused.status, shownApp(refused).secret]).toEqual([400, app.secret])
    const code = await app.codeAt(server.clock.time)
    const codes = await browser.press('Confirm the code', { [CODE_OF_APP]: code })
    expect(headingOf(codes)).toBe('Keep your recovery codes')
    expect(codes.headers.get('Cache-Control')).toBe('no-store, no-transform')
    const shown = [...codes.html.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, text]) => text ?? '')
    expect(shown).toHaveLength(10)
    const end = await browser.press('I have kept the codes')
    expect((await readCode(server, codeOf(end))).auth).toMatchObject(LEVEL_2)
    const other = await open(username)
    expect(headingOf(other.page)).toBe('Confirm that it is you')
    const done = await other.press('Continue with the recovery code', { 'Recovery code': shown[3] ?? '' })
    expect(isAtClient(done)).toBe(true)
  })

  it('a form from before another tab added an app adds no second app', async () => {
    const user = await server.addUser()
    const [one, two] = [await open(user.username), await open(user.username)]
    const first = shownApp(one.page)
    await one.press('Confirm the code', { [CODE_OF_APP]: await first.codeAt(server.clock.time) })
    const late = shownApp(two.page)
    const page = await two.press('Confirm the code', { [CODE_OF_APP]: await late.codeAt(server.clock.time) })
    expect(headingOf(page)).toBe('Confirm that it is you')
    server.clock.time += 30
    const refused = await two.press('Continue', { [CODE]: await late.codeAt(server.clock.time) })
    expect(refused.status).toBe(400)
    expect(isAtClient(await two.press('Continue', { [CODE]: await first.codeAt(server.clock.time) }))).toBe(
      true,
    )
  })

  it('two set-ups at the same moment store one app and its recovery codes', async () => {
    const user = await server.addUser()
    const browsers = [await open(user.username), await open(user.username)]
    await Promise.all(
      browsers.map(async (browser) => {
        const code = await shownApp(browser.page).codeAt(server.clock.time)
        await browser.press('Confirm the code', { [CODE_OF_APP]: code })
      }),
    )
    const headings = browsers.map(({ page }) => headingOf(page)).sort()
    expect(headings.filter((heading) => heading === 'Keep your recovery codes')).toHaveLength(1)
    const query = env.DB.prepare('SELECT count(*) AS n FROM recovery_codes WHERE subject = ?')
    expect(await query.bind(user.id).first('n')).toBe(10)
  })

  it('a session of level 1 sets up a second factor only after a new sign-in', async () => {
    const user = await server.addUser()
    const lenient = new TestServer({ clock: server.clock })
    let answering = lenient
    const browser = new PageBrowser((request) => answering.send(request))
    await browser.open(authorizeUrl(client, { prompt: 'login' }))
    await signInAt(browser, user.username)
    answering = server
    server.clock.time += 1
    expect(headingOf(await browser.open(authorizeUrl(client)))).toBe('Sign in')
    expect(headingOf(await signInAt(browser, user.username))).toBe('Set up a second factor')
  })

  it('a role requires a second factor, and a pool without one refuses level 2', async () => {
    const roles = withAccounts({ second_factor_roles: ['vip'] })
    const [vip, other] = [await roles.addUser({ roles: ['vip'] }), await roles.addUser()]
    const own = await roles.addClient(CODE_CLIENT)
    const signIn = async (username: string, changes = {}) => {
      const browser = browserOf(roles)
      await browser.open(authorizeUrl(own, changes))
      return signInAt(browser, username)
    }
    expect(headingOf(await signIn(vip.username))).toBe('Set up a second factor')
    expect(isAtClient(await signIn(other.username))).toBe(true)
    const impossible = await signIn(other.username, { acr_values: TWO })
    expect(impossible.url.searchParams.get('error')).toBe('unmet_authentication_requirements')
    const plain = new TestServer()
    const page = await browserOf(plain).open(authorizeUrl(own, { acr_values: TWO }))
    expect(page.url.searchParams.get('error')).toBe('unmet_authentication_requirements')
  })
})
