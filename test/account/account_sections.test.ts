import { beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNT, openAccount, selfService } from '../support/account.ts'
import { setProfile } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CODE_CLIENT,
  exchangeOf,
  signInAt,
} from '../support/authorize.ts'
import { ConsoleBrowser } from '../support/console.ts'
import type { PageBrowser } from '../support/page_browser.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { SESSION_STORES } from '../support/session_stores.ts'

const NEW_PASSWORD = 'a wholly different passphrase'
const PASSWORDS = {
  'Current password': PASSWORD,
  'New password': NEW_PASSWORD,
  'New password again': NEW_PASSWORD,
}

describe.each(SESSION_STORES)('the sections of the account page, with sessions in $name', (store) => {
  const server = new TestServer({ config: { ...selfService(), ...store.config } })
  let client: TestClient

  beforeAll(async () => {
    client = await server.addClient({ ...CODE_CLIENT, name: 'Corner Shop' })
  })

  /** Signs a user in for an application in a browser. */
  async function tokensOf(username: string, { browser = browserOf(server), of = client } = {}) {
    const response = await authorize(server, of, { username, browser })
    return server.requireTokens(exchangeOf(of, response.get('code')))
  }
  const refresh = async (refreshToken: string | undefined) => {
    const body = { grant_type: 'refresh_token', client_id: client.id, refresh_token: refreshToken ?? '' }
    return (await server.postForm(body)).status
  }

  describe('the profile', () => {
    it('a user changes the names, and the audit trail has no text of them and names the account page', async () => {
      const user = await server.addUser()
      const { browser } = await openAccount(server, user.username, { path: '/profile' })
      const saved = await browser.press('Save', { 'Full name': '  Ann Lee ', 'Given name': 'Ann' })
      expect([saved.status, saved.url.pathname]).toEqual([200, '/account/customers/profile'])
      expect(saved.html).toContain('Your profile is saved.')
      expect(saved.html).toContain('value="Ann Lee"')
      expect((await server.services.userAdmin.find(user.id))?.profile).toEqual({
        name: 'Ann Lee',
        given_name: 'Ann',
      })
      expect(await auditOf({ subject: user.id, kind: 'account' })).toMatchObject([
        { outcome: 'ok', reason: 'the user changed the profile', client_id: 'sallyport-account/customers' },
      ])
      expect(JSON.stringify(await auditOf({ subject: user.id }))).not.toContain('Ann')
      const operator = await ConsoleBrowser.signIn(server)
      const audit = await operator.get(`/console/audit?subject=${user.id}`)
      expect(audit.html).not.toContain('href="/console/clients/sallyport')
      expect(audit.html).toContain(
        '<span title="sallyport-account/customers">Account page<span class="under">Part of the server, for the pool customers</span></span>',
      )
    })

    it.each([
      [undefined, 'de', 'de', 'Deutsch'],
      ['de', '', undefined, 'Not chosen'],
      ['pt-BR', null, 'pt-BR', 'Português (Brasil)'],
      ['uk', 'xx yy', 'uk', 'Українська'],
    ])('a user with the locale %s chooses %j', async (stored, chosen, expected, shown) => {
      const user = await server.addUser()
      await setProfile(user.id, { name: 'Ann', locale: stored })
      const { browser } = await openAccount(server, user.username, { path: '/profile' })
      const values = { 'Full name': 'Bo', ...(chosen !== null && { 'Language of mails': chosen }) }
      const { html } = await browser.press('Save', values)
      const isRefused = html.includes('aria-invalid')
      expect(isRefused).toBe(chosen === 'xx yy')
      const lang = expected === undefined ? '' : ` lang="${expected}"`
      if (!isRefused) expect(html).toContain(`selected=""${lang}>${shown}</option>`)
      const { profile } = (await server.services.userAdmin.find(user.id)) ?? {}
      expect(profile).toEqual({ name: isRefused ? 'Ann' : 'Bo', ...(expected && { locale: expected }) })
    })

    it('a form that is posted twice changes the profile once, and a form of an earlier profile changes nothing', async () => {
      const user = await server.addUser()
      const { browser, page } = await openAccount(server, user.username, { path: '/profile' })
      await browser.press('Save', { 'Full name': 'Ann' })
      browser.show(page)
      expect((await browser.press('Save', { 'Full name': 'Ann' })).html).toContain('Your profile is saved.')
      browser.show(page)
      const old = await browser.press('Save', { 'Full name': 'Bob' })
      expect([old.status, old.html]).toEqual([
        409,
        expect.stringContaining('The profile was changed in another place.'),
      ])
      expect((await server.services.userAdmin.find(user.id))?.profile).toEqual({ name: 'Ann' })
      expect(await auditOf({ subject: user.id, kind: 'account' })).toHaveLength(1)
    })

    it('a text that a profile cannot have is refused at its field, and the page keeps the typed texts', async () => {
      const { username } = await server.addUser()
      const { browser } = await openAccount(server, username, { path: '/profile' })
      const page = await browser.press('Save', { 'Full name': 'x'.repeat(201), 'Given name': 'Ann' })
      expect(page.status).toBe(400)
      expect(page.html).toContain('Use at most 200 characters in one line.')
      expect(page.html).toContain('value="Ann"')
    })
  })

  describe('the password', () => {
    it('a new password ends every other session, and the browser stays signed in', async () => {
      const user = await server.addUser()
      const other = browserOf(server)
      const { refresh_token: token } = await tokensOf(user.username, { browser: other })
      const { browser } = await openAccount(server, user.username, { path: '/password' })
      const page = await browser.press('Set password', PASSWORDS)
      expect([page.status, page.url.pathname]).toEqual([200, '/account/customers/password'])
      expect(page.html).toContain('Your password is changed.')
      server.clock.time += 5
      expect(await refresh(token)).toBe(400)
      expect((await other.open(ACCOUNT)).html).toContain('<h1>Sign in</h1>')
      expect((await browser.open(ACCOUNT)).html).toContain(`You are signed in as ${user.username}`)
      expect((await signInAt(other, user.username, NEW_PASSWORD)).url.href).toBe(ACCOUNT)
      expect(await auditOf({ subject: user.id, kind: 'cut_off' })).toMatchObject([
        { reason: 'the password was changed', actor: null },
      ])
    })

    it.each([
      ['a wrong current password', { 'Current password': 'wrong' }, 'The current password is wrong.'],
      ['two different passwords', { 'New password again': 'x' }, 'The two new passwords differ.'],
      ['a short password', { 'New password': 'x', 'New password again': 'x' }, 'The new password must have'],
      [
        'the same password',
        { 'New password': PASSWORD, 'New password again': PASSWORD },
        'Choose a password that differs',
      ],
    ])('the page refuses %s and changes nothing', async (_what, changes, text) => {
      const user = await server.addUser()
      const { browser } = await openAccount(server, user.username, { path: '/password' })
      const page = await browser.press('Set password', { ...PASSWORDS, ...changes })
      expect([page.status, page.html]).toEqual([400, expect.stringContaining(text)])
      expect(page.html).not.toContain(NEW_PASSWORD)
      const { passwordHash } = (await server.services.userAdmin.find(user.id)) ?? {}
      expect(passwordHash).toBe(user.passwordHash)
    })

    it('ten wrong current passwords lock the account and end the browser session', async () => {
      const { username } = await server.addUser()
      const { browser, page } = await openAccount(server, username, { path: '/password' })
      for (let i = 0; i < 10; i++) {
        browser.show(page)
        await browser.press('Set password', { ...PASSWORDS, 'Current password': 'wrong' })
      }
      browser.show(page)
      const locked = await browser.press('Set password', PASSWORDS)
      expect(locked.html).toContain('<h1>Sign in</h1>')
      expect((await signInAt(browser, username)).status).toBe(400)
    })
  })

  describe('sessions', () => {
    it('the list has the browser, the country and the times of each session, and marks those of the browser', async () => {
      const { username } = await server.addUser()
      server.country = 'FR'
      await tokensOf(username)
      server.country = null
      const { browser } = await openAccount(server, username)
      await tokensOf(username, { browser })
      const { html } = await browser.open(`${ACCOUNT}/sessions`)
      expect(html.match(/<h2>Corner Shop<\/h2>/g)).toHaveLength(2)
      expect(html).toContain('Unknown device · France')
      expect(html.match(/<p>Started in this browser<\/p>/g)).toHaveLength(1)
      expect(html.match(/Signed in: /g)).toHaveLength(2)
      expect(html.match(/Last used: /g)).toHaveLength(2)
    })

    it('a user ends one session and its browser session, and the others continue', async () => {
      const user = await server.addUser()
      const lost = browserOf(server)
      const { refresh_token: token } = await tokensOf(user.username, { browser: lost })
      server.clock.time += 1
      const { browser } = await openAccount(server, user.username)
      const { refresh_token: own } = await tokensOf(user.username, { browser })
      const page = await browser.open(`${ACCOUNT}/sessions`)
      const sids = [...page.html.matchAll(/name="session" value="([^"]+)"/g)].map(([, sid]) => sid)
      expect(sids).toHaveLength(2)
      const ended = await pressValue(browser, sids[1] ?? '')
      expect([ended.status, ended.url.pathname]).toEqual([200, '/account/customers/sessions'])
      expect(ended.html).toContain('The session has ended.')
      expect(ended.html).not.toContain(sids[1])
      expect(await refresh(token)).toBe(400)
      expect(await refresh(own)).toBe(200)
      expect((await lost.open(ACCOUNT)).html).toContain('<h1>Sign in</h1>')
      expect((await browser.open(ACCOUNT)).html).toContain('You are signed in as')
      browser.show(page)
      expect((await pressValue(browser, sids[1] ?? '')).html).toContain('The session has ended.')
      expect(await auditOf({ subject: user.id, kind: 'revoke' })).toMatchObject([
        { reason: 'ended by its user', sid: sids[1] },
        { reason: 'signed out in the browser' },
      ])
    })

    it('the end of a session from before a second sign-in ends the browser session until the next sign-in', async () => {
      const { username } = await server.addUser()
      const lost = browserOf(server)
      const { refresh_token: token } = await tokensOf(username, { browser: lost })
      await lost.open(authorizeUrl(client, { prompt: 'login' }))
      await signInAt(lost, username)
      const { browser } = await openAccount(server, username, { path: '/sessions' })
      expect((await browser.press('End session')).html).toContain('The session has ended.')
      expect(await refresh(token)).toBe(400)
      await lost.open(authorizeUrl(client))
      expect(lost.page.html).toContain('<h1>Sign in</h1>')
      expect((await signInAt(lost, username)).url.searchParams.get('code')).not.toBeNull()
      expect((await lost.open(authorizeUrl(client))).url.searchParams.get('code')).not.toBeNull()
    })

    it('a user cannot end the session of another user', async () => {
      const other = await server.addUser()
      const { refresh_token: token, access_token: access } = await tokensOf(other.username)
      const [, payload = ''] = (access ?? '').split('.')
      const { sid } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
      const { username } = await server.addUser()
      const { browser } = await openAccount(server, username)
      await tokensOf(username, { browser })
      await browser.open(`${ACCOUNT}/sessions`)
      await pressValue(browser, sid)
      expect(await refresh(token)).toBe(200)
      expect(await auditOf({ subject: other.id, kind: 'revoke' })).toEqual([])
    })

    it('a user signs out everywhere else, also from sessions that no list has, and keeps the age of the sign-in', async () => {
      const { username } = await server.addUser()
      const app = await server.addClient({ grants: ['password'], confidential: false })
      const password = { grant_type: 'password', client_id: app.id, username, password: PASSWORD }
      const { refresh_token: token = '' } = await server.requireTokens(password)
      const lost = browserOf(server)
      await openAccount(server, username, { browser: lost })
      const { browser } = await openAccount(server, username, { path: '/sessions' })
      server.clock.time += 500
      const page = await browser.press('Sign out everywhere else')
      expect([page.status, page.html]).toEqual([
        200,
        expect.stringContaining('You are signed out on all other devices.'),
      ])
      server.clock.time += 5
      const body = { grant_type: 'refresh_token', client_id: app.id, refresh_token: token }
      expect((await server.postForm(body)).status).toBe(400)
      expect((await lost.open(ACCOUNT)).html).toContain('<h1>Sign in</h1>')
      expect((await browser.open(`${ACCOUNT}/password`)).url.href).toBe(`${ACCOUNT}/password`)
      server.clock.time += 100
      expect((await browser.open(`${ACCOUNT}/password`)).html).toContain('<h1>Sign in</h1>')
    })
  })

  it('a user withdraws the access of an application, and its sessions end', async () => {
    const user = await server.addUser()
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Partner' })
    const browser = browserOf(server)
    await browser.open(authorizeUrl(partner, { scope: 'cart orders' }))
    await signInAt(browser, user.username)
    const { url } = await browser.press('Allow')
    const { refresh_token: token } = await server.requireTokens(
      exchangeOf(partner, url.searchParams.get('code')),
    )
    const page = await browser.open(`${ACCOUNT}/applications`)
    expect(page.html).toContain('>Partner</h2>')
    expect(page.html).toContain('app.test')
    expect(page.html).toContain('<li>cart</li>')
    expect(page.html).toContain('<p>Access to: storefront</p>')
    const end = await browser.press('Withdraw access')
    expect([end.status, end.html]).toEqual([200, expect.stringContaining('no longer has access')])
    expect(end.html).toContain('You have allowed no other application')
    const body = { grant_type: 'refresh_token', client_id: partner.id, refresh_token: token ?? '' }
    expect((await server.postForm(body)).status).toBe(400)
    browser.show(page)
    expect((await browser.press('Withdraw access')).html).toContain('no longer has access')
    const events = await auditOf({ subject: user.id, kind: 'revoke' })
    expect(events.map(({ reason }) => reason)).toEqual([
      'the user withdrew the consent',
      'its consent was withdrawn',
    ])
  })

  it('an application with several redirect URIs is one entry, and one withdrawal ends each access', async () => {
    const user = await server.addUser()
    const redirectUris = ['https://app.test/callback', 'http://localhost/callback', 'http://localhost/other']
    const agent = await server.addClient({ ...CODE_CLIENT, redirectUris, isFirstParty: false, name: 'Agent' })
    const browser = browserOf(server)
    await authorize(server, client, { username: user.username, browser })
    const tokens = []
    for (const [i, redirect_uri] of redirectUris.entries()) {
      const changes = { redirect_uri, scope: i === 0 ? 'orders' : 'cart' }
      await browser.open(authorizeUrl(agent, changes))
      const { url } = await browser.press('Allow')
      const exchange = exchangeOf(agent, url.searchParams.get('code'), { redirect_uri })
      tokens.push((await server.requireTokens(exchange)).refresh_token ?? '')
      server.clock.time += 60
    }
    const { html } = await browser.open(`${ACCOUNT}/applications`)
    expect(html.match(/>Agent<\/h2>/g)).toHaveLength(1)
    expect(html).toContain('<p class="soft">localhost, app.test</p>')
    expect(html).toContain('<li>cart</li><li>orders</li>')
    const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' })
    expect(html).toContain(`Allowed: ${day.format((server.clock.time - 180) * 1000)}<`)
    expect(html).not.toContain('No active session')
    for (const token of tokens)
      await server.postJson({ client_id: agent.id, token }, {}, '/oauth2-token/revoke')
    expect((await browser.open(`${ACCOUNT}/applications`)).html.match(/No active session/g)).toHaveLength(1)
    const end = await browser.press('Withdraw access')
    expect(end.html).toContain('Agent no longer has access to your account.')
    expect(end.html).toContain('You have allowed no other application')
    for (const refresh_token of tokens) {
      const body = { grant_type: 'refresh_token', client_id: agent.id, refresh_token }
      expect((await server.postForm(body)).status).toBe(400)
    }
  })

  describe('forms', () => {
    it.each([
      ['of another user of the browser', 409, 'Your sign-in has changed since this page was opened.'],
      ['of another browser', 400, 'The form was made for another browser.'],
      ['that is older than 30 minutes', 400, 'The page was open for too long.'],
    ])('a form %s changes nothing and gives the reason', async (what, status, text) => {
      const ann = await server.addUser()
      const bob = await server.addUser()
      const { browser, page } = await openAccount(server, ann.username, { path: '/profile' })
      let sender = browser
      if (what.includes('another user'))
        await authorize(server, client, { username: bob.username, browser, changes: { prompt: 'login' } })
      if (what.includes('another browser')) ({ browser: sender } = await openAccount(server, ann.username))
      if (what.includes('older')) server.clock.time += 1800
      sender.show(page)
      const refused = await sender.press('Save', { 'Full name': 'Mallory' })
      expect([refused.status, refused.html]).toEqual([status, expect.stringContaining(text)])
      for (const { id } of [ann, bob]) expect((await server.services.userAdmin.find(id))?.profile).toEqual({})
    })

    it('a form after the end of the session leads to the sign-in and back, and changes nothing', async () => {
      const { username, id } = await server.addUser()
      const { browser, page } = await openAccount(server, username, { path: '/profile' })
      browser.removeCookies()
      browser.show(page)
      expect((await browser.press('Save', { 'Full name': 'Mallory' })).html).toContain('<h1>Sign in</h1>')
      expect((await signInAt(browser, username)).url.href).toBe(`${ACCOUNT}/profile`)
      expect((await server.services.userAdmin.find(id))?.profile).toEqual({})
    })

    it('a form of another site and a form without a ticket change nothing', async () => {
      const { username } = await server.addUser()
      const { browser } = await openAccount(server, username, { path: '/profile' })
      const headers = {
        Cookie: `__Host-sallyport-customers=${browser.cookie('__Host-sallyport-customers')}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      }
      const post = (origin: string) =>
        server.fetch('/account/customers/profile', {
          method: 'POST',
          headers: { ...headers, Origin: origin },
          body: 'name=Mallory',
          redirect: 'manual',
        })
      expect((await post('https://evil.test')).status).toBe(403)
      expect((await post(ISSUER)).status).toBe(400)
    })

    it('the URL with a notice shows no notice in another browser', async () => {
      const ann = await server.addUser()
      const { browser } = await openAccount(server, ann.username, { path: '/profile' })
      const { url } = await browser.press('Save', { 'Full name': 'Ann' })
      const { browser: other } = await openAccount(server, ann.username)
      expect((await other.open(url.href)).html).not.toContain('Your profile is saved.')
    })
  })

  /** Presses the button of a session. */
  function pressValue(browser: PageBrowser, sid: string) {
    const { page } = browser
    const html = page.html.replace(/(name="session" value=")[^"]+/, `$1${sid}`)
    browser.show({ ...page, html })
    return browser.press('End session')
  }
})
