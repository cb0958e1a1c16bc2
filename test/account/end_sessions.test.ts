import { beforeEach, describe, expect, it } from 'vitest'
import { LINK_PARAMETER } from '../../src/accounts/account_links.ts'
import { addReader, takeLink, tokenOf } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { browserOf } from '../support/authorize.ts'
import { MAIL } from '../support/mail_sink.ts'
import { ABROAD, HOME, signInFrom, takeKinds } from '../support/notifications.ts'
import { TestOperator } from '../support/operator.ts'
import { credentials, emptyStores, ISSUER, type TestClient, TestServer } from '../support/server.ts'
import { describeStoresAndPlaces } from '../support/session_stores.ts'
import { changePassword, disableUser } from '../support/sign_out.ts'

const PATH = '/account/customers/end-sessions'
const BUTTON = 'End all sessions'
const VOID = '<h1>This link no longer works</h1>'
const DONE = '<h1>All sessions are ended</h1>'

let server: TestServer
let app: TestClient

const serverWith = (accounts: Record<string, unknown> = {}) =>
  new TestServer({ config: { mail: MAIL, accounts: { customers: accounts } } })

beforeEach(async () => {
  await emptyStores()
  server = serverWith()
  app = await server.addClient({ confidential: false })
})

type Reader = Awaited<ReturnType<typeof addReader>>

async function tokensFrom({ username }: Reader, place = HOME) {
  const response = await signInFrom(server, { client: app, username }, place)
  return response.json<{ refresh_token: string }>()
}

/** A user with a session at home and one of an attacker abroad, and the link of the mail about the second one. */
async function prepare() {
  const reader = await addReader(server)
  const own = await tokensFrom(reader)
  const stolen = await tokensFrom(reader, ABROAD)
  return { reader, own, stolen, link: await takeLink(server, 'end-sessions') }
}

const refresh = ({ refresh_token }: { refresh_token: string }) =>
  server.postJson({ grant_type: 'refresh_token', ...credentials(app), refresh_token })

function post(token: string, { path = PATH, origin = ISSUER } = {}): Promise<Response> {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Origin: origin }
  const body = new URLSearchParams({ [LINK_PARAMETER]: token }).toString()
  return server.fetch(path, { method: 'POST', headers, body })
}

describeStoresAndPlaces('the link that ends all sessions', () => {
  it('the button ends every session of the user once, without a sign-in and without self_service', async () => {
    const { reader, own, stolen, link } = await prepare()
    const browser = browserOf(server)
    const page = await browser.open(link.href)
    expect([page.status, page.headers.get('Referrer-Policy')]).toEqual([200, 'strict-origin'])
    const done = await browser.press(BUTTON)
    expect([done.status, done.url.pathname]).toEqual([200, '/account/customers/sessions-ended'])
    expect(done.html).toContain(DONE)
    expect(done.html).not.toContain('/forgotten-password')
    for (const tokens of [own, stolen]) expect((await refresh(tokens)).status).toBe(400)
    expect(await auditOf({ kind: 'cut_off', subject: reader.id })).toMatchObject([
      {
        outcome: 'ok',
        reason: 'all sessions were ended by a link in a mail',
        api: 'storefront',
        actor: null,
      },
    ])
    expect((await post(tokenOf(link))).status).toBe(400)
    expect(await auditOf({ kind: 'cut_off', subject: reader.id })).toHaveLength(1)
  })

  it('a link scanner that opens the link by GET and HEAD changes nothing', async () => {
    const { own, link } = await prepare()
    for (const method of ['GET', 'HEAD', 'GET'])
      expect((await server.fetch(link.pathname + link.search, { method })).status).toBe(200)
    expect((await refresh(own)).status).toBe(200)
    expect((await browserOf(server).open(link.href)).html).toContain(BUTTON)
  })

  it('a forged or changed link, one of another pool, and a form of another site end nothing', async () => {
    const { own, link } = await prepare()
    const token = tokenOf(link)
    const changed = token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))
    for (const text of ['', 'x', changed, `${token}x`]) {
      const response = await post(text)
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(VOID)])
      expect((await server.fetch(`${PATH}?${LINK_PARAMETER}=${text}`)).status).toBe(400)
    }
    expect((await post(token, { path: '/account/staff/end-sessions' })).status).toBe(400)
    expect((await post(token, { path: '/account/unknown/end-sessions' })).status).toBe(404)
    expect((await post(token, { path: '/account/customers/reset-password' })).status).not.toBe(500)
    expect((await post(token, { origin: 'https://evil.test' })).status).toBe(403)
    expect((await refresh(own)).status).toBe(200)
  })

  it('the link of one user ends no session of another user', async () => {
    const { link } = await prepare()
    const other = await tokensFrom(await addReader(server))
    expect((await post(tokenOf(link))).status).toBe(303)
    expect((await refresh(other)).status).toBe(200)
  })

  it('a link ends after 24 hours, and with the account', async () => {
    const { reader, link } = await prepare()
    server.clock.time += 86_399
    expect((await browserOf(server).open(link.href)).html).toContain(BUTTON)
    server.clock.time += 1
    expect((await post(tokenOf(link))).status).toBe(400)
    const second = await prepare()
    await disableUser(server, second.reader.id)
    expect((await post(tokenOf(second.link))).status).toBe(400)
    expect(
      await auditOf({ reason: 'all sessions were ended by a link in a mail', subject: reader.id }),
    ).toEqual([])
  })

  it('an attacker who changes the password often does not end the link', async () => {
    const { reader, link } = await prepare()
    for (let i = 0; i < 3; i++) await changePassword(server, reader.id, `hash ${i}`)
    expect((await post(tokenOf(link))).status).toBe(303)
  })

  it('after the button each origin is unknown, so the next sign-in of the attacker sends a mail again', async () => {
    const { reader, link } = await prepare()
    expect((await post(tokenOf(link))).status).toBe(303)
    await tokensFrom(reader, ABROAD)
    expect(await takeKinds(server)).toEqual(['new_device'])
    await tokensFrom(reader, HOME)
    await tokensFrom(reader, HOME)
    expect(await takeKinds(server)).toEqual(['new_device'])
  })

  it('a second link ends the sessions after another sign-in from the same origins', async () => {
    const { reader, link } = await prepare()
    expect((await post(tokenOf(link))).status).toBe(303)
    const again = await tokensFrom(reader, ABROAD)
    const second = await takeLink(server, 'end-sessions')
    expect((await post(tokenOf(second))).status).toBe(303)
    expect((await refresh(again)).status).toBe(400)
  })

  it('the events of the mails and of the link are in the timeline of the session', async () => {
    const { reader, own, link } = await prepare()
    await refresh(own)
    await post(tokenOf(link))
    await server.settle()
    const operator = await TestOperator.signIn(server)
    const { body } = await operator.get(`/sessions?subject=${reader.id}`)
    const [{ sid = '' } = {}] = (body.items as { sid: string }[]).slice(-1)
    const timeline = await operator.get(`/sessions/${sid}/timeline`)
    const events = timeline.body.events as { kind: string; reason: string }[]
    expect(events.map(({ kind, reason }) => `${kind}: ${reason}`)).toEqual(
      expect.arrayContaining([
        'notification: a sign-in from a new device or network: a mail was sent',
        'cut_off: all sessions were ended by a link in a mail',
      ]),
    )
    expect(timeline.body.ending).toContain('all sessions were ended by a link in a mail')
  })
})

describe('the pages of the link that ends all sessions', () => {
  it('with self_service the pages lead to a new password, also from a link that no longer works', async () => {
    server = serverWith({ self_service: true })
    const { link } = await prepare()
    const browser = browserOf(server)
    await browser.open(link.href)
    for (const page of [await browser.press(BUTTON), await browser.open(`${ISSUER}${PATH}`)])
      expect(page.html).toContain('<a href="/account/customers/forgotten-password">Choose a new password</a>')
  })

  it('the pages exist in each language', async () => {
    const { link } = await prepare()
    const titles = new Set<string | undefined>()
    for (const language of ['en', 'de', 'fr', 'es', 'nl', 'it', 'pl', 'uk']) {
      const headers = { 'Accept-Language': language }
      const response = await server.fetch(link.pathname + link.search, { headers })
      const html = await response.text()
      expect(html).toContain(`<html lang="${language}"`)
      titles.add(/<h1>([^<]+)<\/h1>/.exec(html)?.[1])
    }
    expect(titles.size).toBe(8)
  })
})
