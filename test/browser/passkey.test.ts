import { base64url, decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { RequestOptionsJson } from '../../src/passkeys/ceremony_options.ts'
import { auditOf } from '../support/audit.ts'
import { authorizeUrl, browserOf, CALLBACK, CODE_CLIENT, exchangeOf, signInAt } from '../support/authorize.ts'
import type { PageBrowser, ShownPage } from '../support/page_browser.ts'
import { optionsOf, pressCreate, pressPasskey, registerPasskey } from '../support/passkey.ts'
import { enrol } from '../support/second_factor.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { disableUser, signOutUser } from '../support/sign_out.ts'
import { type CeremonyChanges, FLAG, SoftwareAuthenticator } from '../support/software_authenticator.ts'

const SIGN_IN = 'Sign in with a passkey'
const SESSION = '__Host-sallyport-customers'
const CONFIRM = 'Confirm that it is you'
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
      amr: ['hwk', 'user', 'mfa'],
      acr: 'urn:sallyport:2',
      auth_time: server.clock.time,
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

  it('a passkey of another user, origin or relying party, and a wrong signature show the same page; only an unknown passkey is named', async () => {
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
      const unknown = /<data id="unknown-passkey" value="([^"]*)" hidden=""><\/data>/.exec(refused.html)
      expect(unknown?.[1]?.replaceAll('&quot;', '"')).toBe(
        reason === 'the passkey is unknown'
          ? JSON.stringify({ rpId: 'shop.test', credentialId: base64url.encode('unknown') })
          : undefined,
      )
      const html = refused.html.replace(unknown?.[0] ?? '', '')
      pages.add(html.replaceAll(/value="[^"]*"|data-options="[^"]*"/g, ''))
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
          { id: passkey.id, subject: user.id, clientId: null, api: null, remaining: null },
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
    const options = optionsOf<RequestOptionsJson>(form)
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
    const options = optionsOf<RequestOptionsJson>(browser.page)
    const body = new URLSearchParams({
      ticket: field('ticket'),
      passkey_challenge: field('passkey_challenge'),
      decision: 'passkey',
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
  const unverified = { flags: FLAG.UP | FLAG.AT }

  it('a passkey without user verification signs in at level 1', async () => {
    const { server, client, page, addUser, use } = await open({ passkeys })
    const { user, authenticator } = await addUser(unverified)
    const end = await use(await page(), authenticator, { flags: FLAG.UP })
    const claims = { sub: user.id, amr: ['hwk', 'user'], acr: 'urn:sallyport:1' }
    expect(await claimsOf(server, client, end)).toMatchObject(claims)
  })

  it('one passkey is not both factors: an app or its set-up follows, and no second passkey', async () => {
    const at = await open({ passkeys, second_factor: 'required' })
    const { server, client, page, addUser, use } = at
    const { user, authenticator } = await addUser(unverified)
    const browser = await page()
    const setUp = await use(browser, authenticator, { flags: FLAG.UP })
    expect(headingOf(setUp)).toBe('Set up a second factor')
    expect(setUp.html).not.toContain('data-ceremony')
    expect(browser.cookie(SESSION)).toBeUndefined()
    const app = await enrol(server, user)
    const other = await page()
    const asked = await use(other, authenticator, { flags: FLAG.UP })
    expect([headingOf(asked), asked.html]).toEqual([CONFIRM, expect.not.stringContaining('data-ceremony')])
    const end = await other.press('Continue', { '6-digit code': await app.codeAt(server.clock.time) })
    const claims = { amr: ['hwk', 'user', 'otp', 'mfa'], acr: 'urn:sallyport:2' }
    expect(await claimsOf(server, client, end)).toMatchObject(claims)
  })
})

describe('a passkey as the second factor', () => {
  let at: Awaited<ReturnType<typeof open>>

  beforeAll(async () => {
    at = await open({ second_factor: 'required' })
  })

  const pendingOf = async (username: string, changes = {}) => {
    const browser = await at.page(changes)
    await signInAt(browser, username)
    return browser
  }

  it('a password and a passkey sign in at level 2, and the page names only the passkeys of the user', async () => {
    const { server, client, addUser } = at
    const { user, authenticator, passkey } = await addUser()
    const browser = await pendingOf(user.username)
    expect([headingOf(browser.page), browser.cookie(SESSION)]).toEqual([CONFIRM, undefined])
    const { allowCredentials } = optionsOf<RequestOptionsJson>(browser.page)
    expect(allowCredentials.map(({ id }) => id)).toEqual([passkey.credentialId])
    expect(browser.page.html).not.toMatch(/6-digit code|recovery code/i)
    const end = await pressPasskey(browser, 'Use a passkey', authenticator)
    expect(await claimsOf(server, client, end)).toMatchObject({
      sub: user.id,
      amr: ['pwd', 'hwk', 'user', 'mfa'],
      acr: 'urn:sallyport:2',
    })
    await server.settle()
    const [event] = await auditOf({ kind: 'browser_sign_in', subject: user.id })
    expect(event?.reason).toBe('password and passkey')
  })

  it('a passkey of another user, a replayed response and a code are refused', async () => {
    const { server, addUser } = at
    const [ann, bob] = [await addUser(), await addUser()]
    const browser = await pendingOf(ann.user.username)
    const form = browser.page
    const stolen = await pressPasskey(browser, 'Use a passkey', bob.authenticator)
    expect([stolen.status, headingOf(stolen), stolen.html]).toEqual([
      400,
      CONFIRM,
      expect.stringContaining(REFUSED),
    ])
    await server.settle()
    const [event] = await auditOf({ kind: 'sign_in_failure', subject: ann.user.id })
    expect(event).toMatchObject({ outcome: 'refused', reason: 'the passkey belongs to another user' })
    browser.show(form)
    expect(isAtClient(await pressPasskey(browser, 'Use a passkey', ann.authenticator))).toBe(true)
    const [, challenge = ''] = /name="passkey_challenge" value="([^"]+)"/.exec(form.html) ?? []
    const passkey = await ann.authenticator.get(optionsOf<RequestOptionsJson>(form))
    const again = await pendingOf(ann.user.username, { prompt: 'login' })
    const replayed = await again.press('Use a passkey', { passkey, passkey_challenge: challenge })
    expect([replayed.status, replayed.html]).toEqual([400, expect.stringContaining(REFUSED)])
  })

  it('a user with an app and a passkey can use each of them', async () => {
    const { server, addUser } = at
    const { user, authenticator } = await addUser()
    const app = await enrol(server, user)
    const browser = await pendingOf(user.username)
    expect(isAtClient(await pressPasskey(browser, 'Use a passkey', authenticator))).toBe(true)
    const other = await pendingOf(user.username)
    const code = await app.codeAt(server.clock.time)
    expect(isAtClient(await other.press('Continue', { '6-digit code': code }))).toBe(true)
  })

  it('a user without a factor adds a passkey in place of an app, once', async () => {
    const { server, client } = at
    const user = await server.addUser()
    const browsers = [await pendingOf(user.username), await pendingOf(user.username)]
    const devices = [
      await SoftwareAuthenticator.make('ES256', ISSUER),
      await SoftwareAuthenticator.make('EdDSA', ISSUER),
    ]
    const ends = await Promise.all(
      browsers.map((browser, i) =>
        pressCreate(browser, 'Use a passkey instead', devices[i] as SoftwareAuthenticator),
      ),
    )
    const done = ends.filter(isAtClient)
    expect([done.length, (await server.services.passkeys.list(user.id)).length]).toEqual([1, 1])
    const claims = { amr: ['pwd', 'hwk', 'user', 'mfa'], acr: 'urn:sallyport:2' }
    expect(await claimsOf(server, client, done[0] as ShownPage)).toMatchObject(claims)
    const refused = browsers.find(({ page }) => !isAtClient(page))
    expect(refused?.page.html).toMatch(/could not be added|Confirm that it is you/)
  })

  it('the form of a passkey adds no passkey after a sign-out', async () => {
    const { server } = at
    const user = await server.addUser()
    const browser = await pendingOf(user.username)
    server.clock.time += 1
    await signOutUser(server, user.id)
    const page = await pressCreate(
      browser,
      'Use a passkey instead',
      await SoftwareAuthenticator.make('ES256', ISSUER),
    )
    expect([page.status, headingOf(page)]).toEqual([409, 'Sign in'])
    expect(await server.services.passkeys.list(user.id)).toEqual([])
  })
})

describe('a pool whose sign-ins need a passkey', () => {
  it('a user adds a passkey after the password, and then needs it, also with an app', async () => {
    const { server, client, page } = await open({ passkeys: { rp_id: 'shop.test', required: true } })
    const user = await server.addUser()
    const authenticator = await SoftwareAuthenticator.make('ES256', ISSUER)
    const browser = await page()
    const asked = await signInAt(browser, user.username)
    expect([headingOf(asked), browser.cookie(SESSION)]).toEqual(['Add a passkey', undefined])
    expect(asked.html).not.toContain('Not now')
    const skipped = await browser.press('Create a passkey', { passkey: '' })
    expect([skipped.status, headingOf(skipped), skipped.html]).toEqual([
      400,
      'Add a passkey',
      expect.stringContaining('The passkey could not be added.'),
    ])
    const end = await pressCreate(browser, 'Create a passkey', authenticator)
    const claims = { amr: ['pwd', 'hwk', 'user', 'mfa'], acr: 'urn:sallyport:2' }
    expect(await claimsOf(server, client, end)).toMatchObject(claims)
    const [added] = await server.services.passkeys.list(user.id)
    expect(added?.name).toBe('Passkey')
    const app = await enrol(server, user)
    const other = await page()
    await signInAt(other, user.username)
    expect([headingOf(other.page), other.page.html]).toEqual([
      CONFIRM,
      expect.not.stringContaining('6-digit'),
    ])
    const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(other.page.html) ?? []
    const forged = await server.fetch('/oauth2-token/second-factor', {
      method: 'POST',
      headers: {
        Origin: ISSUER,
        Cookie: `__Host-sallyport-form=${other.cookie('__Host-sallyport-form')}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ ticket, totp: await app.codeAt(server.clock.time) }).toString(),
    })
    expect(forged.headers.get('Location')).toMatch(/^\/oauth2-token\/second-factor\?/)
    expect(isAtClient(await pressPasskey(other, 'Use a passkey', authenticator))).toBe(true)
    const alone = await page({ prompt: 'login' })
    expect(isAtClient(await pressPasskey(alone, SIGN_IN, authenticator))).toBe(true)
  })

  it('the password grant issues no tokens, and a session that began without a passkey ends at its refresh', async () => {
    const { server, client, addUser, page } = await open()
    const { user, authenticator } = await addUser()
    const first = await page()
    await signInAt(first, user.username)
    const parameters = exchangeOf(client, first.page.url.searchParams.get('code'))
    const old = await server.requireTokens(parameters)
    const second = await at(page, authenticator)
    const kept = await server.requireTokens(exchangeOf(client, second.url.searchParams.get('code')))
    const strict = new TestServer({
      config: { accounts: { customers: { passkeys: { rp_id: 'shop.test', required: true } } } },
      clock: server.clock,
    })
    const refresh = (refresh_token = '') =>
      strict.postJson({ grant_type: 'refresh_token', client_id: client.id, refresh_token })
    expect((await refresh(old.refresh_token)).status).toBe(400)
    expect((await refresh(kept.refresh_token)).status).toBe(200)
    const shop = await strict.addClient({ isFirstParty: true })
    const grant = { grant_type: 'password', client_id: shop.id, client_secret: shop.secret }
    const response = await strict.postJson({ ...grant, username: user.username, password: PASSWORD })
    expect([response.status, await response.json()]).toEqual([
      403,
      expect.objectContaining({ error: 'insufficient_authorization' }),
    ])
  })

  async function at(page: Awaited<ReturnType<typeof open>>['page'], authenticator: SoftwareAuthenticator) {
    return pressPasskey(await page(), SIGN_IN, authenticator)
  }
})

describe('the offer of a passkey', () => {
  let at: Awaited<ReturnType<typeof open>>

  beforeAll(async () => {
    at = await open()
  })

  const signIn = (browser: PageBrowser, username: string, can = 'yes') =>
    browser.press('Sign in', { Username: username, Password: PASSWORD, can_have_passkey: can })

  it('a password sign-in offers a passkey once in a browser, and "Not now" continues to the application', async () => {
    const { server, client, page } = at
    const { username } = await server.addUser()
    const browser = await page()
    const offer = await signIn(browser, username)
    expect([headingOf(offer), browser.cookie(SESSION)]).toEqual(['Add a passkey', expect.any(String)])
    expect(offer.html).not.toContain('>Cancel<')
    const end = await browser.press('Not now')
    const claims = { amr: ['pwd'], acr: 'urn:sallyport:1' }
    expect(await claimsOf(server, client, end)).toMatchObject(claims)
    expect(isAtClient(await signIn(await page({ prompt: 'login' }, browser), username))).toBe(true)
    const other = await server.addUser()
    expect(headingOf(await signIn(await page({ prompt: 'login' }, browser), other.username))).toBe(
      'Add a passkey',
    )
    expect(headingOf(await signIn(await page(), username))).toBe('Add a passkey')
  })

  it('the new passkey has the name of the device, signs in, and ends the offers', async () => {
    const { server, page, use } = at
    const user = await server.addUser()
    const authenticator = await SoftwareAuthenticator.make('ES256', ISSUER)
    const browser = await page()
    await signIn(browser, user.username)
    const wrong = await pressCreate(browser, 'Create a passkey', authenticator, {
      origin: 'https://evil.test',
    })
    expect([wrong.status, headingOf(wrong)]).toEqual([400, 'Add a passkey'])
    expect(isAtClient(await pressCreate(browser, 'Create a passkey', authenticator))).toBe(true)
    expect(isAtClient(await use(await page(), authenticator))).toBe(true)
    expect(isAtClient(await signIn(await page(), user.username))).toBe(true)
    await server.settle()
    const [event] = await auditOf({ kind: 'factor', subject: user.id })
    expect(event).toMatchObject({ outcome: 'ok', client_id: at.client.id })
  })

  it('a device without passkeys, prompt=none and a sign-in by a passkey get no offer', async () => {
    const { server, page } = at
    const { username } = await server.addUser()
    const browser = await page()
    expect(isAtClient(await signIn(browser, username, ''))).toBe(true)
    expect(isAtClient((await page({ prompt: 'none' }, browser)).page)).toBe(true)
  })

  it('the offer adds no passkey in another browser session', async () => {
    const { server, page } = at
    const [ann, bob] = [await server.addUser(), await server.addUser()]
    const browser = await page()
    const offer = await signIn(browser, ann.username)
    await signIn(await page({ prompt: 'login' }, browser), bob.username, '')
    browser.show(offer)
    const device = await SoftwareAuthenticator.make('ES256', ISSUER)
    const refused = await pressCreate(browser, 'Create a passkey', device)
    expect([refused.status, headingOf(refused)]).toEqual([409, `You are signed in as ${bob.username}`])
    expect(await server.services.passkeys.list(ann.id)).toEqual([])
    expect(await server.services.passkeys.list(bob.id)).toEqual([])
  })
})

describe('a request for level 2 in a pool with passkeys only', () => {
  it('a user without a passkey adds one after the password, and a session of level 1 signs in again', async () => {
    const { server, client, page } = await open()
    const { username } = await server.addUser()
    const browser = await page()
    await signInAt(browser, username)
    server.clock.time += 10
    const demand = { acr_values: 'urn:sallyport:2' }
    expect(headingOf((await page(demand, browser)).page)).toBe('Sign in')
    expect(headingOf(await signInAt(browser, username))).toBe('Add a passkey')
    const device = await SoftwareAuthenticator.make('ES256', ISSUER)
    const end = await pressCreate(browser, 'Create a passkey', device)
    expect(await claimsOf(server, client, end)).toMatchObject({ acr: 'urn:sallyport:2' })
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
