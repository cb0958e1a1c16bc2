import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { addReader, forget, setProfile, takeLink, tokenOf } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { authorizeUrl, browserOf, CALLBACK, CODE_CLIENT, signInAt } from '../support/authorize.ts'
import { MAIL } from '../support/mail_sink.ts'
import type { ShownPage } from '../support/page_browser.ts'
import { enrol, wrongCode } from '../support/second_factor.ts'
import { emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { disableUser, signOutUser } from '../support/sign_out.ts'

const PAGE = `${ISSUER}/account/customers/forgotten-password`
const NEW_PASSWORD = 'ten green bottles on a wall'
const VOID = 'This link no longer works'

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]

let server: TestServer
let client: TestClient

const serverWith = (customers: Record<string, unknown> = {}) =>
  new TestServer({ config: { mail: MAIL, accounts: { customers: { self_service: true, ...customers } } } })

/** Sets a password on the page that the browser shows. */
const choose = (browser: ReturnType<typeof browserOf>, password = NEW_PASSWORD, repeated = password) =>
  browser.press('Set password', { 'New password': password, 'New password again': repeated })

async function openLink(link: URL | string) {
  const browser = browserOf(server)
  await browser.open(String(link))
  return browser
}

async function requestLink(name: string): Promise<URL> {
  await forget(server, name)
  return takeLink(server, 'reset-password')
}

function wait(seconds: number): void {
  server.clock.time += seconds
}

async function countRows(): Promise<unknown> {
  const tables = ['one_time_values', 'mail_budgets', 'sign_in_failures', 'audit_events']
  const counts = tables.map((table) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first('n'))
  return Promise.all(counts)
}

beforeAll(emptyStores)

beforeEach(async () => {
  server = serverWith()
  client = await server.addClient(CODE_CLIENT)
})

describe('a forgotten password', () => {
  it('a user gets a link by mail, sets a password, and goes back to the sign-in of the application', async () => {
    const user = await addReader(server)
    const shop = browserOf(server)
    await shop.open(authorizeUrl(client))
    const [, href = ''] = /href="([^"]*forgotten-password[^"]*)"/.exec(shop.page.html) ?? []
    await shop.open(ISSUER + href.replaceAll('&amp;', '&'))
    expect(await shop.press('Send the link', { Username: user.username })).toMatchObject({ status: 200 })
    expect(headingOf(shop.page)).toBe('Check your email')
    const [mail] = await server.takeMails()
    expect(mail).toMatchObject({ kind: 'reset_password', to: user.email, language: 'en' })

    const browser = await openLink(/https:\S+reset-password\S+/.exec(mail?.text ?? '')?.[0] ?? '')
    expect([browser.page.status, headingOf(browser.page)]).toEqual([200, 'Choose a new password'])
    expect(await choose(browser)).toMatchObject({ status: 200 })
    expect(headingOf(browser.page)).toBe('Your password is set')
    expect(browser.cookie('__Host-sallyport-customers')).toBeUndefined()

    const [, back = ''] = /href="([^"]*sign-in\?page_state[^"]*)"/.exec(shop.page.html) ?? []
    await shop.open(ISSUER + back)
    expect((await signInAt(shop, user.username)).status).toBe(400)
    expect((await signInAt(shop, user.username, NEW_PASSWORD)).url.href).toContain(CALLBACK)
    const [event] = await auditOf({ kind: 'cut_off', subject: user.id })
    expect(event).toMatchObject({ reason: 'the password was set by a link', api: 'storefront' })
  })

  it('the page, the rows and the mails that follow are the same for names with and without an account', async () => {
    const known = await addReader(server)
    const disabled = await addReader(server)
    await disableUser(server, disabled.id)
    const unverified = await server.addUser()
    await setProfile(unverified.id, { email: `${crypto.randomUUID()}@example.com` })
    await server.settle()
    const seen: unknown[] = []
    for (const name of [
      known.username,
      known.email,
      disabled.email,
      unverified.username,
      'unknown@example.com',
    ]) {
      await env.DB.prepare('DELETE FROM mail_budgets').run()
      const before = await countRows()
      const { status, html, url } = await forget(server, name)
      seen.push({ before, after: await countRows(), status, html, url: url.href })
    }
    expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(1)
    expect((await server.takeMails()).map(({ to }) => to)).toEqual([known.email, known.email])
  })

  it('the response does not wait for D1, so its time does not depend on the name', async () => {
    await addReader(server)
    const failing = vi.spyOn(server.services.users, 'findByName').mockRejectedValue(new Error('D1 is down'))
    expect(await forget(server, 'unknown@example.com')).toMatchObject({ status: 200 })
    expect(failing).toHaveBeenCalledOnce()
  })

  it('the mail goes to the stored address, never to a typed one, and its link has the issuer of config.yml', async () => {
    const { email, username } = await addReader(server)
    await forget(server, email.toUpperCase())
    await forget(server, email.replace('example', 'exаmple'))
    await forget(server, `${username}@evil.example`)
    const headers = { 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example', Origin: ISSUER }
    const body = new URLSearchParams({ username })
    expect(
      (await server.fetch(new URL(PAGE).pathname, { method: 'POST', headers, body, redirect: 'manual' }))
        .status,
    ).toBe(303)
    const mails = await server.takeMails()
    expect(mails.map(({ to }) => to)).toEqual([email, email])
    for (const { text, html } of mails) expect(text + html).not.toContain('evil')
  })

  it('an address gets five links an hour over all names and browsers that request them', async () => {
    const { email, username } = await addReader(server)
    for (let i = 0; i < 4; i++) for (const name of [username, email]) await forget(server, name)
    expect(await server.takeMails()).toHaveLength(5)
  })

  it('an empty name shows the form again', async () => {
    const page = await forget(server, ' ')
    expect([page.status, headingOf(page)]).toEqual([400, 'Forgotten password'])
  })

  it('the pages do not exist without self_service or without mail, and a form from another site is refused', async () => {
    const { pathname } = new URL(PAGE)
    const accounts = { customers: { self_service: true } }
    for (const config of [{ mail: MAIL }, { accounts }])
      expect((await new TestServer({ config }).fetch(pathname)).status).toBe(404)
    const headers = { Origin: 'https://evil.example', 'Content-Type': 'application/x-www-form-urlencoded' }
    expect((await server.fetch(pathname, { method: 'POST', headers, body: 'username=a' })).status).toBe(403)
  })
})

describe('a link to a new password', () => {
  it('opening a link changes nothing and sends no mail, also by HEAD and by a prefetch', async () => {
    const user = await addReader(server)
    const link = await requestLink(user.username)
    const before = await countRows()
    for (const init of [{}, { method: 'HEAD' }, { headers: { 'Sec-Purpose': 'prefetch' } }])
      expect((await server.fetch(link.pathname + link.search, init)).status).toBe(200)
    expect([await countRows(), await server.takeMails()]).toEqual([before, []])
    expect(headingOf(await choose(await openLink(link)))).toBe('Your password is set')
  })

  it('of two parallel uses in two isolates one sets its password, and a replay sets none', async () => {
    const user = await addReader(server)
    const link = await requestLink(user.username)
    const isolates = [server, server.anotherIsolate()]
    const use = (isolate: TestServer, password: string) =>
      isolate.fetch(link.pathname, {
        method: 'POST',
        headers: { Origin: ISSUER },
        body: new URLSearchParams({ token: tokenOf(link), password, repeated: password }),
        redirect: 'manual',
      })
    const passwords = ['first of two long passwords', 'second of two long passwords']
    const responses = await Promise.all(isolates.map((isolate, i) => use(isolate, passwords[i] ?? '')))
    expect(responses.map(({ status }) => status).sort()).toEqual([303, 400])
    expect((await use(server, 'a third of the long passwords')).status).toBe(400)
    const winner = passwords[responses.findIndex(({ status }) => status === 303)] ?? ''
    const grants = await server.addClient({ grants: ['password'] })
    await expect(server.signIn(grants, user.username, winner)).resolves.toHaveProperty('access_token')
  })

  it.each<[string, (user: { id: string }, link: URL) => unknown]>([
    ['a used link', async (_, link) => choose(await openLink(link))],
    ['a link after 30 minutes', () => wait(1800)],
    ['a link after a sign-out everywhere', ({ id }) => signOutUser(server, id)],
    ['a link to a disabled account', ({ id }) => disableUser(server, id)],
    [
      'a link to an address that the user no longer has',
      ({ id }) => setProfile(id, { email: 'new@example.com' }),
    ],
    ['a link of another pool', (_, link) => new URL(link.href.replace('/customers/', '/staff/'))],
    ['a link of another purpose', (_, link) => new URL(link.href.replace('/reset-password', '/invitation'))],
    ['a forged link', (_, link) => new URL(link.href.replace(/.{8}$/, 'AAAAAAAA'))],
    ['a page without a token', (_, link) => new URL(link.pathname, ISSUER)],
  ])('%s shows that it no longer works, and its form sets no password', async (_, change) => {
    const user = await addReader(server)
    const link = await requestLink(user.username)
    const outcome = await change(user, link)
    const changed = outcome instanceof URL ? outcome : link
    const hash = await env.DB.prepare('SELECT password_hash FROM users WHERE id = ?').bind(user.id).first()
    const page = (await openLink(changed)).page
    expect([page.status, headingOf(page)]).toEqual([400, VOID])
    const password = 'another of the long passwords'
    const body = new URLSearchParams({ token: tokenOf(changed), password, repeated: password })
    const init = { method: 'POST', headers: { Origin: ISSUER }, body, redirect: 'manual' } as const
    expect((await server.fetch(changed.pathname, init)).status).toBe(400)
    const after = await env.DB.prepare('SELECT password_hash FROM users WHERE id = ?').bind(user.id).first()
    expect(after).toEqual(hash)
  })

  it('a user without a password chooses the first one by the link', async () => {
    const { id, username } = await addReader(server)
    await env.DB.prepare('UPDATE users SET hash_replaceable = 1 WHERE id = ?').bind(id).run()
    const browser = await openLink(await requestLink(username))
    expect(browser.page.html).toContain('<h1>Choose a password</h1>')
    expect(browser.page.html).not.toMatch(/new password|on all devices/i)
    const set = await browser.press('Set password', {
      Password: NEW_PASSWORD,
      'Password again': NEW_PASSWORD,
    })
    expect([headingOf(set), set.html]).toEqual([
      'Your password is set',
      expect.stringContaining('You can sign in with the password now.'),
    ])
  })

  it('a newer link does not end an older one, and the use of one ends both', async () => {
    const { username } = await addReader(server)
    const links = [await requestLink(username), await requestLink(username)]
    expect(headingOf((await openLink(links[0] ?? '')).page)).toBe('Choose a new password')
    await choose(await openLink(links[1] ?? ''))
    expect(headingOf((await openLink(links[0] ?? '')).page)).toBe(VOID)
  })

  it('a refused password shows the form again with its reason, and the link stays valid', async () => {
    const { username } = await addReader(server)
    const browser = await openLink(await requestLink(username))
    for (const [next, repeated, reason] of [
      ['short', 'short', 'characters'],
      [NEW_PASSWORD, 'another', 'differ'],
      ['password1234', 'password1234', 'common'],
    ] as const) {
      const page = await choose(browser, next, repeated)
      expect([page.status, headingOf(page)]).toEqual([400, 'Choose a new password'])
      expect(/<p class="error"[^>]*>([^<]*)/.exec(page.html)?.[1]).toContain(reason)
    }
    expect(headingOf(await choose(browser))).toBe('Your password is set')
  })

  it('a required change ends with the new password, which must differ from the current one', async () => {
    const { id, username } = await addReader(server, { mustChangePassword: true })
    const browser = await openLink(await requestLink(username))
    expect((await choose(browser, PASSWORD)).html).toContain('differ')
    await choose(browser)
    const row = await env.DB.prepare('SELECT must_change_password FROM users WHERE id = ?').bind(id).first()
    expect(row).toEqual({ must_change_password: 0 })
  })

  it('the new password ends every session, and a lock of the account after wrong passwords', async () => {
    const user = await addReader(server)
    const grants = await server.addClient({ grants: ['password'] })
    const tokens = await server.signIn(grants, user.username)
    for (let i = 0; i < 10; i++) await server.signIn(grants, user.username, 'wrong').catch(() => {})
    await expect(server.signIn(grants, user.username)).rejects.toThrow('invalid_grant')
    await choose(await openLink(await requestLink(user.username)))
    await expect(server.refresh(grants, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    await expect(server.signIn(grants, user.username, NEW_PASSWORD)).resolves.toHaveProperty('access_token')
  })

  it('a new password skips no second factor and ends no lock of second factors', async () => {
    server = serverWith({ second_factor: 'optional' })
    const user = await addReader(server)
    const app = await enrol(server, user)
    const code = await wrongCode(app, server.clock.time)
    const guess = browserOf(server)
    await guess.open(authorizeUrl(client))
    await signInAt(guess, user.username)
    for (let i = 0; i < 10; i++) await guess.press('Continue', { '6-digit code': code })
    await choose(await openLink(await requestLink(user.username)))
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client))
    const page = await signInAt(browser, user.username, NEW_PASSWORD)
    expect(headingOf(page)).toBe('Confirm that it is you')
    const right = await app.codeAt(server.clock.time)
    expect((await browser.press('Continue', { '6-digit code': right })).url.href).not.toContain(CALLBACK)
  })

  it('no Referer and no log line has the token of a link', async () => {
    const lines: string[] = []
    for (const level of ['log', 'info', 'warn', 'error'] as const)
      vi.spyOn(console, level).mockImplementation((...texts) => void lines.push(texts.join(' ')))
    const { username, id } = await addReader(server)
    const link = await requestLink(username)
    const browser = await openLink(link)
    expect(browser.page.headers.get('Referrer-Policy')).toBe('strict-origin')
    expect(browser.page.headers.get('Cache-Control')).toBe('no-store, no-transform')
    const failing = vi.spyOn(server.services.signOut, 'endUser').mockRejectedValueOnce(new Error('broken'))
    expect((await choose(browser)).status).toBe(500)
    expect(failing).toHaveBeenCalledOnce()
    browser.show((await openLink(link)).page)
    await choose(browser)
    vi.restoreAllMocks()
    expect(lines.join('\n')).toContain('page_failed')
    expect(lines.join('\n')).not.toContain(tokenOf(link).slice(-40))
    const events = await auditOf({ kind: 'cut_off', subject: id })
    expect(JSON.stringify(events)).not.toContain(tokenOf(link).slice(-40))
  })
})
