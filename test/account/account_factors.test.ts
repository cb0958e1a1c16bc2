import { base64url } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CreationOptionsJson } from '../../src/passkeys/ceremony_options.ts'
import { ACCOUNT, openAccount, selfService } from '../support/account.ts'
import { setProfile } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { browserOf, signInAt } from '../support/authorize.ts'
import { MAIL } from '../support/mail_sink.ts'
import { PageBrowser, type ShownPage } from '../support/page_browser.ts'
import { optionsOf, pressCreate, pressPasskey, registerPasskey } from '../support/passkey.ts'
import { appOf, enrol, wrongCode } from '../support/second_factor.ts'
import { ISSUER, TestServer } from '../support/server.ts'
import { SoftwareAuthenticator } from '../support/software_authenticator.ts'

const PASSKEYS = '/passkeys'
const FACTOR = '/second-factor'
const PHONE =
  'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36'

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const namesOf = ({ html }: ShownPage) =>
  [...html.matchAll(/<h2 id="passkey-[^>]*>([^<]*)</g)].map(([, name]) => name)

const serverWith = (customers: Record<string, unknown> = {}) =>
  new TestServer({
    config: selfService({ passkeys: { rp_id: 'shop.test' }, second_factor: 'optional', ...customers }),
  })

describe('the passkeys of the account', () => {
  const server = serverWith()

  it('a user adds, names and removes a passkey, and the audit trail has the addition and the removal', async () => {
    const { id, username } = await server.addUser()
    const { browser, page } = await openAccount(server, username, { path: PASSKEYS })
    expect([headingOf(page), page.html]).toEqual([
      'Passkeys',
      expect.stringContaining('You have no passkey.'),
    ])
    const policy = page.headers.get('Content-Security-Policy')
    expect(policy).toContain(`script-src ${ISSUER}/oauth2-token/pages/passkey.js;`)
    const device = await SoftwareAuthenticator.make('ES256', ISSUER)
    const added = await pressCreate(browser, 'Create a passkey', device)
    expect([namesOf(added), added.html]).toEqual([
      ['Passkey'],
      expect.stringContaining('The passkey is added.'),
    ])
    const renamed = await browser.press('Save the name', { 'Name of the passkey': ' My <b>phone ' })
    expect(namesOf(renamed)).toEqual(['My &lt;b&gt;phone'])
    const removed = await browser.press('Remove')
    expect([namesOf(removed), removed.html]).toEqual([[], expect.stringContaining('The passkey is removed.')])
    const forgotten = { rpId: 'shop.test', credentialId: base64url.encode(device.credentialId) }
    expect(removed.html).toContain(
      `<data id="unknown-passkey" value="${JSON.stringify(forgotten).replaceAll('"', '&quot;')}" hidden="">`,
    )
    const client_id = 'sallyport-account/customers'
    const events = await auditOf({ kind: 'factor', subject: id })
    expect(events.map(({ reason }) => String(reason).split(' ').at(-1)).sort()).toEqual(['added', 'removed'])
    expect(new Set(events.map((event) => event.client_id))).toEqual(new Set([client_id]))
  })

  it('a response of another origin, another browser and a used challenge add no passkey', async () => {
    const { id, username } = await server.addUser()
    const { browser, page } = await openAccount(server, username, { path: PASSKEYS })
    const { browser: other, page: foreign } = await openAccount(server, username, { path: PASSKEYS })
    const refused = 'The passkey could not be added.'
    const device = await SoftwareAuthenticator.make('ES256', ISSUER)
    const wrong = await pressCreate(browser, 'Create a passkey', device, { origin: 'https://evil.test' })
    expect([wrong.status, wrong.html]).toEqual([400, expect.stringContaining(refused)])
    const [, challenge = ''] = /name="passkey_challenge" value="([^"]+)"/.exec(foreign.html) ?? []
    const passkey = await device.create(optionsOf<CreationOptionsJson>(foreign))
    browser.show(page)
    const stolen = await browser.press('Create a passkey', { passkey, passkey_challenge: challenge })
    expect([stolen.status, stolen.html]).toEqual([400, expect.stringContaining(refused)])
    await other.press('Create a passkey', { passkey })
    other.show(foreign)
    const again = await other.press('Create a passkey', { passkey })
    expect(again.status).toBe(400)
    expect(await server.services.passkeys.list(id)).toHaveLength(1)
  })

  it('a user changes no passkey of another user', async () => {
    const [ann, bob] = [await server.addUser(), await server.addUser()]
    const { passkey } = await registerPasskey(server, bob)
    await registerPasskey(server, ann)
    const { browser, page } = await openAccount(server, ann.username, { path: PASSKEYS })
    for (const button of ['Save the name', 'Remove']) {
      browser.show(page)
      await browser.press(button, { passkey_id: passkey.id })
    }
    expect(await server.services.passkeys.list(bob.id)).toEqual([passkey])
  })

  it('a user who has lost a passkey signs in by the password and removes it', async () => {
    const user = await server.addUser()
    await registerPasskey(server, user)
    const { browser, page } = await openAccount(server, user.username, { path: PASSKEYS })
    expect(namesOf(page)).toEqual(['Chrome on Android'])
    expect(namesOf(await browser.press('Remove'))).toEqual([])
  })

  it('a user replaces a required passkey, and cannot remove the last one, also by a forged form', async () => {
    const strict = serverWith()
    const { id, username, pool } = await strict.addUser()
    const { browser, page: form } = await openAccount(strict, username, { path: PASSKEYS })
    const device = await SoftwareAuthenticator.make('ES256', ISSUER)
    const removable = await pressCreate(browser, 'Create a passkey', device)
    expect(form.html).not.toContain('>Remove<')
    const required = new TestServer({
      config: selfService({ passkeys: { rp_id: 'shop.test', required: true }, second_factor: 'optional' }),
      clock: strict.clock,
    })
    const browsing = browserOf(required)
    await browsing.open(`${ACCOUNT}${PASSKEYS}`)
    const page = await pressPasskey(browsing, 'Sign in with a passkey', device)
    expect([headingOf(page), page.html]).toEqual([
      'Passkeys',
      expect.stringContaining('you cannot remove it'),
    ])
    expect(page.html).not.toContain('>Remove<')
    const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(page.html) ?? []
    const [, passkey_id = ''] = /name="passkey_id" value="([^"]+)"/.exec(removable.html) ?? []
    const cookies = ['__Host-sallyport-form', '__Host-sallyport-customers']
    const forged = await required.fetch(`/account/customers${PASSKEYS}`, {
      method: 'POST',
      headers: {
        Origin: ISSUER,
        Cookie: cookies.map((name) => `${name}=${browsing.cookie(name)}`).join('; '),
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ ticket, decision: 'remove', passkey_id }).toString(),
    })
    expect(forged.status).toBe(303)
    expect(await required.services.passkeys.list(id)).toHaveLength(1)
    await registerPasskey(required, { id, pool, username })
    await browsing.open(`${ACCOUNT}${PASSKEYS}`)
    expect(namesOf(await browsing.press('Remove'))).toHaveLength(1)
  })

  it('the name of a new passkey is the device of the browser', async () => {
    const { id, username } = await server.addUser()
    const onPhone = new PageBrowser((request) => {
      request.headers.set('User-Agent', PHONE)
      return server.send(request)
    })
    await openAccount(server, username, { path: PASSKEYS, browser: onPhone })
    await pressCreate(onPhone, 'Create a passkey', await SoftwareAuthenticator.make('EdDSA', ISSUER))
    const [added] = await server.services.passkeys.list(id)
    expect(added?.name).toBe('Chrome on Android')
  })

  it('the home page shows the sections that the pool has', async () => {
    const plain = serverWith({ passkeys: undefined, second_factor: 'off' })
    const { username } = await server.addUser()
    const sections = async (to: TestServer) => (await openAccount(to, username)).page.html
    expect(await sections(server)).toMatch(/\/passkeys".*\/second-factor"/s)
    expect(await sections(plain)).not.toMatch(/\/passkeys"|\/second-factor"/)
  })

  it.each([
    [PASSKEYS, 'Create a passkey'],
    [FACTOR, 'Confirm the code'],
  ])(
    'the section %s is 404 in a pool without it, also for a form of an earlier setting',
    async (path, button) => {
      const plain = serverWith({ passkeys: undefined, second_factor: 'off' })
      plain.clock.time = server.clock.time
      let current = server
      const browser = new PageBrowser((request) => current.send(request))
      const { username } = await server.addUser()
      const { page } = await openAccount(server, username, { path, browser })
      expect(page.status).toBe(200)
      current = plain
      const refused = [await browser.press(button), await browser.open(ACCOUNT + path)]
      for (const shown of refused) expect([shown.status, headingOf(shown)]).toEqual([404, 'Page not found'])
    },
  )

  it.each([
    ['a verified address', true],
    ['an unverified address', false],
  ])(
    'a user with %s and a required passkey can remove it only if a code by mail is then the second factor',
    async (_, isVerified) => {
      const mailing = new TestServer({
        config: {
          mail: MAIL,
          ...selfService({
            passkeys: { rp_id: 'shop.test' },
            second_factor: 'required',
            email_code: 'second_factor',
          }),
        },
      })
      const user = await mailing.addUser()
      await setProfile(user.id, { email: `${user.username}@example.com`, email_verified: isVerified })
      const { authenticator } = await registerPasskey(mailing, user)
      const { browser } = await openAccount(mailing, user.username, { path: PASSKEYS })
      const page = await pressPasskey(browser, 'Use a passkey', authenticator)
      expect([headingOf(page), page.html.includes('>Remove<')]).toEqual(['Passkeys', isVerified])
      if (!isVerified) return
      expect(namesOf(await browser.press('Remove'))).toEqual([])
      const { page: next } = await openAccount(mailing, user.username)
      expect(next.html).toContain(
        `A mail with a code is on its way to the confirmed address of ${user.username}.`,
      )
    },
  )
})

describe('the second factor of the account', () => {
  let server: TestServer

  beforeAll(() => {
    server = serverWith()
  })

  const setUp = async (browser: PageBrowser) => {
    const app = appOf(/<code class="key">([^<]+)</.exec(browser.page.html)?.[1] ?? '')
    const code = await app.codeAt(server.clock.time)
    return { app, page: await browser.press('Confirm the code', { '6-digit code from the app': code }) }
  }
  const codesOf = ({ html }: ShownPage) =>
    [...html.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code]) => code)

  it('a user sets up an app, sees ten recovery codes once, and needs the app at the next sign-in', async () => {
    const { id, username } = await server.addUser()
    const { browser, page } = await openAccount(server, username, { path: FACTOR })
    const first = appOf(/<code class="key">([^<]+)</.exec(page.html)?.[1] ?? '')
    const wrong = { '6-digit code from the app': await wrongCode(first, server.clock.time) }
    const refused = await browser.press('Confirm the code', wrong)
    expect([refused.status, refused.html]).toEqual([400, expect.stringContaining('The code is wrong')])
    const { app, page: codes } = await setUp(browser)
    expect(app.secret).toEqual(first.secret)
    expect([headingOf(codes), codes.headers.get('Cache-Control')]).toEqual([
      'Keep your recovery codes',
      'no-store, no-transform',
    ])
    expect(codesOf(codes)).toHaveLength(10)
    const after = await browser.open(ACCOUNT + FACTOR)
    expect([headingOf(after), codesOf(after)]).toEqual(['Second factor', []])
    const other = browserOf(server)
    await other.open(ACCOUNT)
    expect(headingOf(await signInAt(other, username))).toBe('Confirm that it is you')
    const [event] = await auditOf({ kind: 'factor', subject: id })
    expect(event).toMatchObject({ outcome: 'ok', client_id: 'sallyport-account/customers' })
  })

  it('a user replaces the recovery codes and removes the app, after a proof of both factors', async () => {
    const user = await server.addUser()
    const app = await enrol(server, user)
    const { browser } = await openAccount(server, user.username, { path: FACTOR })
    expect(headingOf(browser.page)).toBe('Confirm that it is you')
    const shown = await browser.press('Continue', { '6-digit code': await app.codeAt(server.clock.time) })
    expect(headingOf(shown)).toBe('Second factor')
    const codes = codesOf(await browser.press('Replace the recovery codes'))
    expect(codes).toHaveLength(10)
    expect(codes).not.toContain(app.recoveryCodes[0])
    browser.show(shown)
    const removed = await browser.press('Remove the app')
    expect(removed.html).toContain('The authenticator app is removed.')
    const found = await server.services.users.findByUsername(user.pool, user.username, 'primary')
    expect(found?.hasTotp).toBe(false)
  })

  it('a user replaces a required app, and cannot remove it, also by a forged form', async () => {
    const strict = serverWith({ second_factor: 'required' })
    const user = await strict.addUser()
    const { browser } = await openAccount(strict, user.username, { path: FACTOR })
    const app = appOf(/<code class="key">([^<]+)</.exec(browser.page.html)?.[1] ?? '')
    await browser.press('Confirm the code', {
      '6-digit code from the app': await app.codeAt(strict.clock.time),
    })
    const page = await browser.press('I have kept the codes')
    expect([headingOf(page), page.html]).toEqual([
      'Second factor',
      expect.stringContaining('you cannot remove the app'),
    ])
    const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(page.html) ?? []
    const cookies = ['__Host-sallyport-form', '__Host-sallyport-customers']
    const forged = await strict.fetch('/account/customers/second-factor', {
      method: 'POST',
      headers: {
        Origin: ISSUER,
        Cookie: cookies.map((name) => `${name}=${browser.cookie(name)}`).join('; '),
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ ticket, decision: 'remove' }).toString(),
    })
    expect(forged.status).toBe(303)
    const found = await strict.services.users.findByUsername(user.pool, user.username, 'primary')
    expect(found?.hasTotp).toBe(true)
    strict.clock.time += 30
    const next = appOf(/<code class="key">([^<]+)</.exec(page.html)?.[1] ?? '')
    const codes = await browser.press('Confirm the code', {
      '6-digit code from the app': await next.codeAt(strict.clock.time),
    })
    expect(codesOf(codes)).toHaveLength(10)
  })
})
