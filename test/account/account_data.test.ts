import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNT, openAccount, selfService } from '../support/account.ts'
import { addReader } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CODE_CLIENT,
  exchangeOf,
  signInAt,
} from '../support/authorize.ts'
import { begin, STEP_CLIENT, step } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { PASSWORD, type TestClient, TestServer } from '../support/server.ts'

const DAY = 86_400

describe('the data of an account', () => {
  const server = new TestServer({ config: selfService() })
  let client: TestClient

  beforeAll(async () => {
    client = await server.addClient({ ...CODE_CLIENT, name: 'Corner Shop' })
  })

  it('a user downloads the stored data, as operators export it, without a password hash and without data of operators', async () => {
    const user = await server.addUser()
    const { browser } = await openAccount(server, user.username, { path: '/data' })
    await server.settle()
    const byOperator =
      "UPDATE audit_events SET actor = 'user:operator', address_prefix = '203.0.113.0/24' WHERE subject = ?"
    const { meta } = await env.DB.prepare(byOperator).bind(user.id).run()
    expect(meta.changes).toBeGreaterThan(0)
    const { headers, status, html } = await browser.press('Download')
    expect([status, headers.get('Content-Type'), headers.get('Content-Disposition')]).toEqual([
      200,
      'application/json',
      'attachment; filename="account.json"',
    ])
    expect(headers.get('Cache-Control')).toContain('no-store')
    const data = JSON.parse(html)
    expect(Object.keys(data).sort()).toEqual([
      'access_tokens_valid_from',
      'consents',
      'events',
      'events_truncated',
      'exported_at',
      'factors',
      'password',
      'sessions',
      'sign_ins',
      'user',
    ])
    expect(data.user).toMatchObject({ id: user.id, username: user.username })
    expect(data.events_truncated).toBe(false)
    expect(html).not.toContain('argon2')
    expect(data.events[0]).toMatchObject({ actor: 'user:operator', address_prefix: null })
    expect(await auditOf({ subject: user.id, kind: 'account' })).toMatchObject([
      { reason: 'the user downloaded the data' },
    ])
  })

  /** Deletes the account of a new user. */
  async function deleted() {
    const user = await server.addUser()
    const { browser, page } = await openAccount(server, user.username, { path: '/deletion' })
    const end = await browser.press('Delete my account', {
      [`Type ${user.username} to confirm`]: user.username,
    })
    return { user, browser, page, end }
  }
  const deletionOf = async (id: string) => (await server.services.userAdmin.find(id))?.deletionAt

  it('the deletion signs the user out everywhere, and the page says how to keep the account', async () => {
    const user = await server.addUser()
    const response = await authorize(server, client, { username: user.username })
    const { refresh_token: token = '' } = await server.requireTokens(exchangeOf(client, response.get('code')))
    const { browser, page } = await openAccount(server, user.username, { path: '/deletion' })
    const label = `Type ${user.username} to confirm`
    const wrong = await browser.press('Delete my account', { [label]: 'another@example.com' })
    expect([wrong.status, wrong.html]).toEqual([400, expect.stringContaining('Type the name exactly')])
    expect(await deletionOf(user.id)).toBeNull()
    const end = await browser.press('Delete my account', { [label]: user.username.toUpperCase() })
    expect([end.status, end.url.pathname]).toEqual([200, '/account/customers/deletion/scheduled'])
    expect(end.html).toContain('Your account is erased after 14 days.')
    expect(await deletionOf(user.id)).toBe(server.clock.time + 14 * DAY)
    expect(browser.cookie('__Host-sallyport-customers')).toBeUndefined()
    const refreshing = { grant_type: 'refresh_token', client_id: client.id, refresh_token: token }
    expect((await server.postForm(refreshing)).status).toBe(400)
    expect(await auditOf({ subject: user.id, kind: 'cut_off' })).toMatchObject([
      { reason: 'the user deletes the account', client_id: 'sallyport-account/customers' },
    ])
    browser.show(page)
    const again = await browser.press('Delete my account', { [label]: user.username })
    expect(again.url.pathname).toBe('/account/customers/deletion/scheduled')
  })

  it('the cron trigger erases the account after 14 days and not before, with its personal data in the audit trail', async () => {
    const { user } = await deleted()
    server.clock.time += 14 * DAY - 1
    await server.cron()
    expect(await deletionOf(user.id)).not.toBeUndefined()
    server.clock.time += 1
    await server.cron()
    expect(await deletionOf(user.id)).toBeUndefined()
    const rows = await env.DB.prepare('SELECT * FROM audit_events').all()
    expect(JSON.stringify(rows.results)).not.toContain(user.id)
    expect(JSON.stringify(rows.results)).toContain('the user was erased')
  })

  it.each(['page', 'password grant', 'challenge endpoint'] as const)(
    'a finished sign-in by the %s cancels the deletion, and a wrong password does not',
    async (way) => {
      const { user, browser } = await deleted()
      server.clock.time += 10
      const { username } = user
      await browser.open(ACCOUNT)
      await signInAt(browser, username, 'wrong')
      expect(await deletionOf(user.id)).not.toBeNull()
      if (way === 'page') {
        await browser.open(ACCOUNT)
        await signInAt(browser, username)
      } else if (way === 'password grant') {
        const app = await server.addClient({ grants: ['password'], confidential: false })
        await server.requireTokens({
          grant_type: 'password',
          client_id: app.id,
          username,
          password: PASSWORD,
        })
      } else {
        const shop = await server.addClient(STEP_CLIENT)
        const { auth_session } = await begin(server, shop)
        expect((await step(server, shop, { auth_session, username, password: PASSWORD })).status).toBe(200)
      }
      expect(await deletionOf(user.id)).toBeNull()
      expect(await auditOf({ subject: user.id, kind: 'account' })).toMatchObject([
        { outcome: 'ok', reason: 'a sign-in cancelled the deletion' },
      ])
      server.clock.time += 20 * DAY
      await server.cron()
      expect(await deletionOf(user.id)).toBeNull()
    },
  )
})

describe('the mail of a deletion', () => {
  it('a sign-in that cancels the deletion sends a mail, and one page of the account shows a notice', async () => {
    const server = new TestServer({ config: { ...selfService(), mail: MAIL } })
    const user = await addReader(server)
    const NOTICE = 'You signed in, so your account is not deleted.'
    const { browser } = await openAccount(server, user.username, { path: '/deletion' })
    await browser.press('Delete my account', { [`Type ${user.username} to confirm`]: user.username })
    await server.takeMails()
    server.clock.time += DAY
    const client = await server.addClient(CODE_CLIENT)
    await browser.open(authorizeUrl(client))
    await signInAt(browser, user.username)
    const mails = (await server.takeMails()).filter(({ kind }) => kind === 'deletion_cancelled')
    expect(mails).toMatchObject([
      { to: user.email, subject: expect.stringMatching(/^Your account at .* will not be deleted$/) },
    ])
    const pages = []
    for (const path of ['/sessions', '/sessions', ''])
      pages.push((await browser.open(ACCOUNT + path)).html.includes(NOTICE))
    expect(pages).toEqual([true, false, false])
    expect(await auditOf({ subject: user.id, kind: 'notification' })).toMatchObject([
      { outcome: 'ok', reason: 'the deletion of the account was requested: a mail was sent' },
      { outcome: 'ok', reason: 'the deletion of the account was cancelled: a mail was sent' },
    ])
  })

  it('a user with a verified address gets a mail with the time of the erasure and the link that ends all sessions', async () => {
    const server = new TestServer({ config: { ...selfService(), mail: MAIL } })
    const { username, id } = await server.addUser()
    const profile = { email: 'ann@example.com', email_verified: true }
    const conditions = { versions: null, adminPool: null, now: server.clock.time }
    await server.services.userAdmin.change(id, { profile }, conditions, [])
    const { browser } = await openAccount(server, username, { path: '/deletion' })
    await browser.press('Delete my account', { [`Type ${username} to confirm`]: username })
    const mails = await server.takeMails()
    expect(mails.map(({ to }) => to)).toEqual(['ann@example.com'])
    expect(mails[0]?.text).toContain('/account/customers/end-sessions?token=')
  })
})

describe('the account page of operators', () => {
  const server = new TestServer({ config: { accounts: { operators: { self_service: true } } } })

  it('the last admin cannot delete the account, and the first of two admins can', async () => {
    const first = await server.addUser({ pool: 'operators', roles: ['admin'] })
    const browser = browserOf(server)
    await browser.open(`${ACCOUNT.replace('customers', 'operators')}/deletion`)
    await signInAt(browser, first.username)
    const typed = { [`Type ${first.username} to confirm`]: first.username }
    const refused = await browser.press('Delete my account', typed)
    expect([refused.status, refused.html]).toEqual([
      409,
      expect.stringContaining('You are the only administrator.'),
    ])
    const second = await server.addUser({ pool: 'operators', roles: ['admin'] })
    expect((await browser.press('Delete my account', typed)).url.pathname).toBe(
      '/account/operators/deletion/scheduled',
    )
    const other = browserOf(server)
    await other.open(`${ACCOUNT.replace('customers', 'operators')}/deletion`)
    await signInAt(other, second.username)
    await other.press('Delete my account', { [`Type ${second.username} to confirm`]: second.username })
    server.clock.time += 14 * DAY
    await server.cron()
    const left = await Promise.all([first, second].map(({ id }) => server.services.userAdmin.find(id)))
    expect(left.filter((user) => user !== null)).toHaveLength(1)
  })
})
