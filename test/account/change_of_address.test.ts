import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addReader, setProfile, tokenOf } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { browserOf, signInAt } from '../support/authorize.ts'
import { MAIL } from '../support/mail_sink.ts'
import type { PageBrowser, ShownPage } from '../support/page_browser.ts'
import { emptyStores, ISSUER, PASSWORD, TestServer } from '../support/server.ts'
import { disableUser, signOutUser } from '../support/sign_out.ts'

const PAGE = `${ISSUER}/account/customers/address`
const VOID = 'This link no longer works'
const NOTICE = 'A mail with a link is on its way to the new address.'

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const newAddress = () => `${crypto.randomUUID()}@example.org`

let server: TestServer

beforeAll(emptyStores)

beforeEach(() => {
  server = new TestServer({ config: { mail: MAIL, accounts: { customers: { self_service: true } } } })
})

/** Opens the page of the address in a browser that signs the user in. */
async function openPage({ username }: { username: string }): Promise<PageBrowser> {
  const browser = browserOf(server)
  await browser.open(PAGE)
  await signInAt(browser, username)
  return browser
}

const type = (browser: PageBrowser, address: string) =>
  browser.press('Send the link', { 'New email address': address })

/** Requests a change. @returns the link of the mail to the new address */
async function request(user: { username: string }, address: string): Promise<URL> {
  await type(await openPage(user), address)
  const mail = (await server.takeMails()).find(({ to }) => to === address)
  return new URL(/https:\S+confirm-address\S+/.exec(mail?.text ?? '')?.[0] ?? '')
}

async function open(link: URL): Promise<PageBrowser> {
  const browser = browserOf(server)
  await browser.open(link.href)
  return browser
}

const press = (browser: PageBrowser) => browser.press('Confirm email address')

async function readUser(id: string): Promise<unknown> {
  const row = await env.DB.prepare('SELECT username, verified_email FROM users WHERE id = ?').bind(id).first()
  return row === null ? null : [row.username, row.verified_email]
}

describe('a change of the address', () => {
  it('a user confirms the new address by a link, and the old address gets a notification', async () => {
    const user = await addReader(server)
    const address = newAddress()
    const browser = await openPage(user)
    expect(headingOf(browser.page)).toBe('Email address')
    expect(browser.page.html).toContain(user.email)
    const page = await type(browser, ` ${address.toUpperCase()}`)
    expect([page.status, page.html.includes(NOTICE)]).toEqual([200, true])
    const mails = await server.takeMails()
    expect(mails.map(({ kind, to }) => [kind, to])).toEqual([
      ['confirm_new_address', address],
      ['address_changes', user.email],
    ])
    expect(await readUser(user.id)).toEqual([user.username, user.email])

    const reader = await open(new URL(/https:\S+confirm-address\S+/.exec(mails[0]?.text ?? '')?.[0] ?? ''))
    expect(reader.page.html).toContain(`Use ${address} for the account ${user.username}?`)
    expect(reader.page.headers.get('Referrer-Policy')).toBe('strict-origin')
    expect(headingOf(await press(reader))).toBe('Your email address is confirmed')
    expect(await readUser(user.id)).toEqual([user.username, address])
    const [notification] = await server.takeMails()
    expect([notification?.kind, notification?.to]).toEqual(['address_changed', user.email])
    const [event] = await auditOf({ kind: 'account', subject: user.id })
    expect(event).toMatchObject({ outcome: 'ok', reason: 'the user confirmed a new address' })
    expect((await browser.open(PAGE)).html).toContain(address)
  })

  it('a username that is the old address becomes the new address, unless another user has that name', async () => {
    for (const isFree of [true, false]) {
      const old = newAddress()
      const user = await server.addUser({ username: old })
      await setProfile(user.id, { email: old, email_verified: true })
      const address = newAddress()
      const link = await request(user, address)
      if (!isFree) await server.addUser({ username: address })
      expect(headingOf(await press(await open(link)))).toBe('Your email address is confirmed')
      expect(await readUser(user.id)).toEqual([isFree ? address : old, address])
    }
  })

  it('a taken address gets another mail, and the page and the mail to the user do not differ', async () => {
    const owner = await addReader(server)
    const user = await addReader(server)
    const browser = await openPage(user)
    const pages = [await type(browser, newAddress()), await type(browser, owner.email)]
    const html = pages.map((page) => page.html.replace(/value="[^"]{40,}"/g, ''))
    expect(html[1]).toBe(html[0])
    const mails = (await server.takeMails()).map(({ kind, to }) => [kind, to])
    expect(mails.slice(2)).toEqual([
      ['address_has_account', owner.email],
      ['address_changes', user.email],
    ])
  })

  it('of two users who confirm one address, the first one gets it', async () => {
    const users = [await addReader(server), await addReader(server)]
    const address = newAddress()
    const links = []
    for (const user of users) links.push(await request(user, address))
    const results = await Promise.all(links.map(async (link) => headingOf(await press(await open(link)))))
    expect(results.sort()).toEqual([VOID, 'Your email address is confirmed'])
    const count = env.DB.prepare('SELECT count(*) AS n FROM users WHERE verified_email = ?').bind(address)
    expect(await count.first('n')).toBe(1)
  })

  it('of two parallel uses of a link one succeeds, and opening it changes nothing', async () => {
    const user = await addReader(server)
    const link = await request(user, newAddress())
    for (const method of ['GET', 'HEAD'])
      expect((await server.fetch(link.pathname + link.search, { method })).status).toBe(200)
    expect(await readUser(user.id)).toEqual([user.username, user.email])
    const browsers = [await open(link), await open(link)]
    const pages = await Promise.all(browsers.map(press))
    expect(pages.map(headingOf).sort()).toEqual([VOID, 'Your email address is confirmed'])
    expect(headingOf((await open(link)).page)).toBe(VOID)
  })

  it.each<[string, (user: { id: string }, link: URL) => unknown]>([
    ['after an hour', () => wait(3600)],
    ['after a sign-out everywhere', ({ id }) => signOutUser(server, id)],
    ['to a disabled account', ({ id }) => disableUser(server, id)],
    [
      'after another change of the address',
      ({ id }) => setProfile(id, { email: 'x@shop.test', email_verified: true }),
    ],
    ['of another pool', (_, link) => new URL(link.href.replace('/customers/', '/staff/'))],
    ['of another purpose', (_, link) => new URL(link.href.replace('confirm-address', 'reset-password'))],
    ['with a forged token', (_, link) => new URL(link.href.replace(/.{8}$/, 'AAAAAAAA'))],
  ])('a link %s confirms no address', async (_, change) => {
    const user = await addReader(server)
    const address = newAddress()
    const link = await request(user, address)
    const outcome = await change(user, link)
    const { pathname, search } = outcome instanceof URL ? outcome : link
    expect([400, 404]).toContain((await server.fetch(pathname + search)).status)
    const init = { method: 'POST', headers: { Origin: ISSUER }, redirect: 'manual' } as const
    const body = new URLSearchParams({ token: tokenOf(new URL(search, ISSUER)) })
    expect([400, 404]).toContain((await server.fetch(pathname, { ...init, body })).status)
    expect(await readUser(user.id)).not.toContain(address)
  })

  it.each(['not an address', 'jane@example.com, john@example.com', 'ｊane@example.com', ''])(
    'the page refuses %j, and sends no mail',
    async (address) => {
      const page = await type(await openPage(await addReader(server)), address)
      expect([page.status, page.html.includes('Type an email address')]).toEqual([400, true])
      expect(await server.takeMails()).toEqual([])
    },
  )

  it('a user whose sign-in is older than 10 minutes types the password again', async () => {
    const user = await addReader(server)
    const browser = await openPage(user)
    server.clock.time += 601
    const page = await type(browser, newAddress())
    expect(headingOf(page)).toBe('Sign in')
    expect(await server.takeMails()).toEqual([])
    await browser.press('Sign in', { Username: user.username, Password: PASSWORD })
    expect(headingOf(browser.page)).toBe('Email address')
  })
})

function wait(seconds: number): void {
  server.clock.time += seconds
}
