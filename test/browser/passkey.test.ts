import { base64url, decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { authorizeUrl, browserOf, CALLBACK, CODE_CLIENT, exchangeOf, signInAt } from '../support/authorize.ts'
import type { PageBrowser, ShownPage } from '../support/page_browser.ts'
import { pressPasskey, registerPasskey } from '../support/passkey.ts'
import { ISSUER, type TestClient, TestServer } from '../support/server.ts'
import { disableUser } from '../support/sign_out.ts'
import { type CeremonyChanges, FLAG, type SoftwareAuthenticator } from '../support/software_authenticator.ts'

const SIGN_IN = 'Sign in with a passkey'
const SESSION = '__Host-sallyport-customers'
const REFUSED = 'This passkey does not work here.'

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const isAtClient = ({ url }: ShownPage) => url.href.startsWith(CALLBACK)

const serverWith = (customers: Record<string, unknown> = {}) =>
  new TestServer({ config: { accounts: { customers: { passkeys: { rp_id: 'shop.test' }, ...customers } } } })

/** A server with its client, and the actions of a user. */
async function open(customers: Record<string, unknown> = {}) {
  const server = serverWith(customers)
  const client = await server.addClient(CODE_CLIENT)
  const page = async (changes = {}, browser = browserOf(server)) => {
    await browser.open(authorizeUrl(client, changes))
    return browser
  }
  const addUser = async (changes = {}) => {
    const user = await server.addUser()
    return { user, ...(await registerPasskey(server, user, changes)) }
  }
  const use = (browser: PageBrowser, authenticator: SoftwareAuthenticator, changes: CeremonyChanges = {}) =>
    pressPasskey(browser, SIGN_IN, authenticator, changes)
  return { server, client, page, addUser, use }
}

/** The claims of the access token for the code of a page. */
async function claimsOf(server: TestServer, client: TestClient, { url }: ShownPage) {
  const tokens = await server.requireTokens(exchangeOf(client, url.searchParams.get('code')))
  return decodeJwt(tokens.access_token)
}

describe('a sign-in by passkey on the page', () => {
  let at: Awaited<ReturnType<typeof open>>

  beforeAll(async () => {
    at = await open()
  })

  it('a passkey with user verification signs in without a name and a password, at level 2', async () => {
    const { server, client, page, addUser, use } = at
    const { user, authenticator } = await addUser()
    const browser = await page({ acr_values: 'urn:sallyport:2' })
    const end = await use(browser, authenticator)
    expect(await claimsOf(server, client, end)).toMatchObject({
      sub: user.id,
      ...{ amr: ['hwk', 'user', 'mfa'], acr: 'urn:sallyport:2', auth_time: server.clock.time },
    })
    await server.settle()
    const [event] = await auditOf({ kind: 'browser_sign_in', subject: user.id })
    expect(event).toMatchObject({ outcome: 'ok', reason: 'passkey', client_id: client.id })
  })

  it('the page runs one script of the service, offers passkeys in the field of the username, and hides the button', async () => {
    const { page } = await at.page()
    expect(page.html).toMatch(/<script defer="" src="\/oauth2-token\/pages\/passkey\.js\?v=[\w-]{12}">/)
    const policy = `script-src ${ISSUER}/oauth2-token/pages/passkey.js;`
    expect(page.headers.get('Content-Security-Policy')).toContain(policy)
    expect(page.html).toContain('autocomplete="username webauthn"')
    expect(/<button[^>]*value="passkey"[^>]*>/.exec(page.html)?.[0]).toContain(' hidden=""')
  })

  it('the page is the same for a user with a passkey and one without, and for an unknown name', async () => {
    const { server, page, addUser } = at
    const [{ user }, other] = [await addUser(), await server.addUser()]
    const shown = async (name: string) => {
      const { html } = (await page({ login_hint: name })).page
      return html
        .replaceAll(/value="[^"]*"/g, '')
        .replaceAll(name, 'NAME')
        .replaceAll(/challenge&quot;:&quot;[\w-]{43}/g, '')
    }
    const pages = [await shown(user.username), await shown(other.username), await shown('x@example.com')]
    expect(pages[0]).toContain('allowCredentials&quot;:[]')
    expect(new Set(pages).size).toBe(1)
  })

  it('a passkey of another user, origin or relying party, and a wrong signature show the same page', async () => {
    const { server, page, addUser, use } = at
    const { user, authenticator } = await addUser({ counter: 7 })
    authenticator.counter = 7
    const bob = await addUser()
    const attacks: [string, CeremonyChanges][] = [
      ['the client data has another origin', { origin: 'https://shop.example' }],
      ['the client data has another origin', { origin: 'https://shop.test' }],
      ['the passkey belongs to another relying party', { rpId: 'id.shop.test' }],
      ['the user handle belongs to another user', { userHandle: base64url.encode(bob.user.id) }],
      ['the user handle belongs to another user', { userHandle: null }],
      ['the signature is wrong', { breaksSignature: true }],
      ['the passkey is unknown', { id: base64url.encode('unknown') }],
      ['the passkey belongs to another', { id: base64url.encode(bob.authenticator.credentialId) }],
      ['the user was not verified', { flags: FLAG.UP }],
      ['the counter of the passkey', { counter: 6 }],
      ['the counter of the passkey', { counter: 7 }],
      ['the client data has another type', { clientData: { type: 'webauthn.create' } }],
      ['the ceremony ran in a frame', { clientData: { crossOrigin: true } }],
    ]
    const pages = new Set<string>()
    for (const [reason, changes] of attacks) {
      const browser = await page()
      const refused = await use(browser, authenticator, changes)
      expect([refused.status, headingOf(refused)]).toEqual([400, 'Sign in'])
      expect(browser.cookie(SESSION)).toBeUndefined()
      pages.add(refused.html.replaceAll(/value="[^"]*"|data-options="[^"]*"/g, ''))
      await server.settle()
      const events = await auditOf({ kind: 'sign_in_failure' })
      const reasons = events.map((event) => String(event.reason))
      expect(reasons.some((text) => text.startsWith(reason.slice(0, 30)))).toBe(true)
    }
    expect(pages.size).toBe(1)
    expect([...pages][0]).toContain(REFUSED)
    expect(isAtClient(await use(await page(), authenticator, { counter: 8 }))).toBe(true)
    expect((await auditOf({ kind: 'factor', subject: user.id })).map(({ outcome }) => outcome)).toContain(
      'refused',
    )
  })

  it('a removed passkey, one of a disabled user and one of a deleted user do not sign in', async () => {
    const { server, page, addUser, use } = at
    const ends = [
      ({ passkey, user }: Awaited<ReturnType<typeof addUser>>) =>
        server.services.passkeys.remove(
          { id: passkey.id, subject: user.id, clientId: null, api: null },
          server.context(),
        ),
      ({ user }: Awaited<ReturnType<typeof addUser>>) => disableUser(server, user.id),
    ]
    for (const end of ends) {
      const added = await addUser()
      await end(added)
      const refused = await use(await page(), added.authenticator)
      expect([refused.status, refused.html]).toEqual([400, expect.stringContaining(REFUSED)])
    }
  })

  it('a response works once, only in the browser of its challenge, and for 30 minutes', async () => {
    const { server, page, addUser, use } = at
    const { authenticator } = await addUser()
    const browser = await page()
    const form = browser.page
    expect(isAtClient(await use(browser, authenticator))).toBe(true)
    // The challenge of the first page, in the form of a browser that is not signed in.
    const [, challenge = ''] = /name="passkey_challenge" value="([^"]+)"/.exec(form.html) ?? []
    const options = JSON.parse(
      (/data-options="([^"]*)"/.exec(form.html)?.[1] ?? '').replaceAll('&quot;', '"'),
    )
    const stranger = await page()
    const passkey = await authenticator.get(options)
    const foreign = await stranger.press(SIGN_IN, { passkey, passkey_challenge: challenge })
    expect([foreign.status, foreign.html]).toEqual([400, expect.stringContaining(REFUSED)])
    const again = await page({ prompt: 'login' }, browser)
    const replayed = await again.press(SIGN_IN, { passkey, passkey_challenge: challenge })
    expect([replayed.status, replayed.html]).toEqual([400, expect.stringContaining(REFUSED)])
    const late = await page()
    server.clock.time += 1800
    const expired = await use(late, authenticator)
    expect([headingOf(expired), expired.html]).toEqual([
      'Sign in',
      expect.stringContaining('open for too long'),
    ])
  })

  it('two posts of one response begin one browser session', async () => {
    const { server, page, addUser } = at
    const { authenticator } = await addUser()
    const browser = await page()
    const field = (name: string) =>
      new RegExp(`name="${name}" value="([^"]+)"`).exec(browser.page.html)?.[1] ?? ''
    const options = JSON.parse(
      (/data-options="([^"]*)"/.exec(browser.page.html)?.[1] ?? '').replaceAll('&quot;', '"'),
    )
    const body = new URLSearchParams({
      ...{ ticket: field('ticket'), passkey_challenge: field('passkey_challenge'), decision: 'passkey' },
      passkey: await authenticator.get(options),
    }).toString()
    const headers = {
      Origin: ISSUER,
      Cookie: `__Host-sallyport-form=${browser.cookie('__Host-sallyport-form')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    }
    const isolates = [server, server.anotherIsolate()]
    const responses = await Promise.all(
      isolates.map((isolate) => isolate.fetch('/oauth2-token/sign-in', { method: 'POST', headers, body })),
    )
    const targets = responses.map(
      (response) => new URL(response.headers.get('Location') ?? '', ISSUER).pathname,
    )
    expect(targets.sort()).toEqual(['/callback', '/oauth2-token/sign-in'])
  })

  it('a lock of the account does not refuse a passkey', async () => {
    const { page, addUser, use } = at
    const { user, authenticator } = await addUser()
    for (let i = 0; i < 10; i++) await signInAt(await page(), user.username, `guess ${i}`)
    expect(isAtClient(await use(await page(), authenticator))).toBe(true)
  })
})

describe('a passkey without user verification', () => {
  const passkeys = { rp_id: 'shop.test', user_verification: 'preferred' }

  it('it signs in at level 1', async () => {
    const { server, client, page, addUser, use } = await open({ passkeys })
    const { user, authenticator } = await addUser({ flags: FLAG.UP | FLAG.AT })
    const end = await use(await page(), authenticator, { flags: FLAG.UP })
    const claims = { sub: user.id, amr: ['hwk', 'user'], acr: 'urn:sallyport:1' }
    expect(await claimsOf(server, client, end)).toMatchObject(claims)
  })
})

describe('a pool without passkeys', () => {
  it('the page has no button and no script, and a forged form signs no user in', async () => {
    const { page } = await open({ passkeys: undefined })
    const browser = await page()
    expect(browser.page.html).not.toMatch(/passkey|<script/)
    expect(browser.page.headers.get('Content-Security-Policy')).not.toContain('script-src')
  })
})
