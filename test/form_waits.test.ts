import { beforeEach, describe, expect, it, vi } from 'vitest'
import { authorizeUrl, CALLBACK, CODE_CLIENT, signInAt } from './support/authorize.ts'
import { FarStores } from './support/far_stores.ts'
import { MAIL } from './support/mail_sink.ts'
import { addReader, takeCodes, wrongOf } from './support/mailed_codes.ts'
import { PageBrowser } from './support/page_browser.ts'
import { PassingTime } from './support/passing_time.ts'
import { pressCreate, pressPasskey, registerPasskey } from './support/passkey.ts'
import { appOf, enrol, wrongCode } from './support/second_factor.ts'
import { emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from './support/server.ts'
import { SoftwareAuthenticator } from './support/software_authenticator.ts'

const CODE = '6-digit code'
const APP_CODE = '6-digit code from the app'
const PASSKEY = 'Sign in with a passkey'
const CUSTOMERS = { email_code: 'sign_in', second_factor: 'optional', passkeys: { rp_id: 'shop.test' } }

interface CountedRequest {
  method: string
  path: string
  status: number
  /** Sequential store waits. */
  waits: number
  /** Store calls, also those at the same time. */
  calls: number
  /** The budgets of an IP address that the request spends. */
  budgets: string[]
}

/** A warm isolate far from its stores, and a browser. It counts the sequential store waits of each request. */
class FarIsolate {
  readonly near: TestServer
  readonly browser: PageBrowser
  readonly client: TestClient
  requests: CountedRequest[] = []
  readonly #stores = new FarStores()
  readonly #time = new PassingTime(this.#stores)
  readonly #isolate: TestServer

  private constructor(config: Record<string, unknown>, client: TestClient) {
    this.near = new TestServer({ config })
    const { clock, mails } = this.near
    this.client = client
    this.#isolate = new TestServer({ config, clock, mails, env: this.#stores.env })
    this.browser = new PageBrowser((request) => this.#send(request))
  }

  /** @param customers Replaces `accounts.customers` */
  static async start(customers: Record<string, unknown> = {}): Promise<FarIsolate> {
    const config = { mail: MAIL, accounts: { customers: { ...CUSTOMERS, ...customers } } }
    const isolate = new FarIsolate(config, await new TestServer({ config }).addClient(CODE_CLIENT))
    await isolate.open()
    await signInAt(isolate.browser, (await isolate.near.addUser()).username)
    isolate.browser.removeCookies()
    await isolate.open()
    isolate.requests = []
    return isolate
  }

  /** Opens a new authorization request. @param changes Its parameters */
  async open(changes: Record<string, string> = {}): Promise<void> {
    await this.browser.open(authorizeUrl(this.client, changes))
  }

  async #send(request: Request): Promise<Response> {
    if (!request.url.startsWith(`${ISSUER}/`)) return new Response('the application')
    const before = { ms: this.#time.elapsedMs, calls: this.#stores.calls }
    const spend = vi.spyOn(this.#isolate.services.bursts, 'spend')
    const response = await this.#time.during(this.#isolate.answer(request))
    const waits = this.#time.elapsedMs - before.ms
    const calls = this.#stores.calls - before.calls
    const { method } = request
    const budgets = spend.mock.calls.map(([name]) => name)
    spend.mockRestore()
    const path = new URL(request.url).pathname.replace('/oauth2-token', '')
    this.requests.push({ method, path, status: response.status, waits, calls, budgets })
    await this.#time.during(this.#isolate.settle())
    return response
  }
}

const isAtClient = ({ browser }: FarIsolate) => browser.page.url.href.startsWith(CALLBACK)
const typeCode = (browser: PageBrowser, code: string) => browser.press('Continue', { [CODE]: code })

/** Each function sends a refused form and then an accepted form of each page. */
const WAYS: readonly [string, (isolate: FarIsolate) => Promise<unknown>, Record<string, unknown>?][] = [
  [
    'a password, after an unknown user and a wrong password',
    async (isolate) => {
      const { near, browser } = isolate
      const { username } = await near.addUser()
      await signInAt(browser, `${crypto.randomUUID()}@example.com`)
      await signInAt(browser, username, 'a wrong passphrase')
      near.clock.time += 60
      // An idle isolate waits for the list of changed records first.
      await isolate.open()
      await signInAt(browser, username)
    },
  ],
  [
    'a password and an authenticator app',
    async ({ near, browser }) => {
      const app = await enrol(near, await near.addUser())
      await signInAt(browser, app.user.username)
      await typeCode(browser, await wrongCode(app, near.clock.time))
      await typeCode(browser, await app.codeAt(near.clock.time))
    },
  ],
  [
    'a password and a recovery code',
    async ({ near, browser }) => {
      const { user, recoveryCodes } = await enrol(near, await near.addUser())
      const use = (code = '') => browser.press('Continue with the recovery code', { 'Recovery code': code })
      await signInAt(browser, user.username)
      await use('AAAA-AAAA-AAAA-AAAA-AAAA')
      await use(recoveryCodes[0])
    },
  ],
  [
    'a password and a new authenticator app',
    async (isolate) => {
      const { near, browser } = isolate
      const { username } = await near.addUser()
      await isolate.open({ acr_values: 'urn:sallyport:2' })
      await signInAt(browser, username)
      const [, key = ''] = /<code class="key">([^<]*)</.exec(browser.page.html) ?? []
      const app = appOf(key)
      for (const code of [await wrongCode(app, near.clock.time), await app.codeAt(near.clock.time)])
        await browser.press('Confirm the code', { [APP_CODE]: code })
      await browser.press('I have kept the codes')
    },
  ],
  [
    'a password and a code by mail',
    async ({ near, browser }) => {
      const { username } = await addReader(near)
      await signInAt(browser, username)
      const [code = ''] = await takeCodes(near)
      await typeCode(browser, wrongOf(code))
      await typeCode(browser, code)
    },
    { second_factor: 'required', email_code: 'second_factor' },
  ],
  [
    'a code by mail',
    async ({ near, browser }) => {
      const { username } = await addReader(near)
      await browser.press('Email me a code', { Username: username })
      const [code = ''] = await takeCodes(near)
      await browser.press('Sign in', { [CODE]: wrongOf(code) })
      await browser.press('Sign in', { [CODE]: code })
    },
  ],
  [
    'a new account, after a taken address',
    async ({ near, browser }) => {
      const { email } = await addReader(near)
      await browser.press('Create an account')
      await browser.press('Continue', { 'Email address': email })
      await near.takeMails()
      await browser.press('Use another address')
      await browser.press('Continue', { 'Email address': `${crypto.randomUUID()}@example.com` })
      const [code = ''] = await takeCodes(near)
      for (const typed of [wrongOf(code), code]) await typeCode(browser, typed)
      await browser.press('Create account', { Password: PASSWORD, 'Password again': PASSWORD })
    },
    { sign_up: true },
  ],
  [
    'a password and a passkey',
    async (isolate) => {
      const { near, browser } = isolate
      const user = await near.addUser()
      const { authenticator } = await registerPasskey(near, user)
      await isolate.open({ acr_values: 'urn:sallyport:2' })
      await signInAt(browser, user.username)
      await pressPasskey(browser, 'Use a passkey', authenticator, { breaksSignature: true })
      await pressPasskey(browser, 'Use a passkey', authenticator)
    },
  ],
  [
    'a password and a new passkey',
    async (isolate) => {
      const { near, browser } = isolate
      const { username } = await near.addUser()
      const authenticator = await SoftwareAuthenticator.make('ES256', ISSUER)
      await isolate.open()
      await browser.press('Sign in', { Username: username, Password: PASSWORD, can_have_passkey: 'yes' })
      await pressCreate(browser, 'Create a passkey', authenticator, { rpId: 'evil.test' })
      await pressCreate(browser, 'Create a passkey', authenticator)
    },
  ],
  [
    'a passkey',
    async ({ near, browser }) => {
      const { authenticator } = await registerPasskey(near, await near.addUser())
      await pressPasskey(browser, PASSKEY, authenticator, { breaksSignature: true })
      await pressPasskey(browser, PASSKEY, authenticator)
    },
  ],
]

describe('the store waits of the forms of a sign-in', () => {
  beforeEach(emptyStores)

  it.each(WAYS)(
    'the forms and pages of a sign-in by %s wait for two calls at most',
    async (_way, act, customers) => {
      const isolate = await FarIsolate.start(customers)
      await act(isolate)
      expect(isAtClient(isolate)).toBe(true)
      expect(isolate.requests.length).toBeGreaterThan(2)
      expect(isolate.requests.filter(({ waits }) => waits > 2)).toEqual([])
      expect(isolate.requests.at(-1)?.waits).toBeLessThanOrEqual(2)
    },
  )

  it('the request for a code of a sign-up waits for the same calls for a taken and for a free address', async () => {
    const { near, browser, requests } = await FarIsolate.start({ sign_up: true })
    const { email, username } = await addReader(near)
    const taken = await near.addUser({ username: `${username}@example.com` })
    await browser.press('Create an account')
    for (const address of [email, taken.username, `${crypto.randomUUID()}@example.com`]) {
      await browser.press('Continue', { 'Email address': address })
      await browser.press('Use another address')
    }
    const posted = requests.filter(({ method, path }) => `${method} ${path}` === 'POST /sign-up')
    const same = { waits: 2, calls: 3, budgets: ['sign_ins', 'guesses'] }
    expect(posted).toEqual(Array(3).fill(expect.objectContaining(same)))
  })

  it('the forms of a second factor of a signed-in user wait for two calls at most, and no request spends two budgets of refreshes', async () => {
    const isolate = await FarIsolate.start()
    const { near, browser } = isolate
    const user = await near.addUser()
    await signInAt(browser, user.username)
    const app = await enrol(near, user)
    isolate.requests = []
    await isolate.open({ acr_values: 'urn:sallyport:2' })
    await typeCode(browser, await app.codeAt(near.clock.time))
    expect(isAtClient(isolate)).toBe(true)
    near.clock.time += 30
    await isolate.open({ prompt: 'login' })
    await signInAt(browser, user.username)
    await typeCode(browser, await app.codeAt(near.clock.time))
    expect(isAtClient(isolate)).toBe(true)
    expect(isolate.requests.filter(({ waits }) => waits > 2)).toEqual([])
    const refreshes = isolate.requests.map(({ budgets }) => budgets.filter((name) => name === 'refreshes'))
    expect(refreshes).toEqual(Array(6).fill(['refreshes']))
    // The browser session and the pending sign-in have the same user, who is read once.
    const shown = isolate.requests.filter(({ method, path }) => `${method} ${path}` === 'GET /second-factor')
    expect(shown).toEqual([expect.objectContaining({ status: 200, waits: 1, calls: 1 })])
  })
})
