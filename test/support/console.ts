import { CookieJar } from '../../scripts/cookie_jar.ts'
import { ensureOperatorClients, OPERATOR_CLIENT_IDS } from '../../scripts/operator_clients.ts'
import { hashUri } from '../../src/authorization/issue_code.ts'
import { CONSOLE_CLIENT, consoleAddressesOf } from '../../src/console/console_client.ts'
import type { ConsoleSession } from '../../src/console/console_session.ts'
import { newCsrfToken } from '../../src/pages/csrf.ts'
import type { User } from '../../src/users/user.ts'
import { newCode, VERIFIER } from './authorize.ts'
import { PageBrowser, type ShownPage } from './page_browser.ts'
import { ISSUER, PASSWORD, type TestServer } from './server.ts'

const COOKIE = '__Host-sallyport-console'
const NOTICE = '__Host-sallyport-console-notice'
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }

/** A response of the console with its text. */
export interface ConsoleResponse {
  status: number
  headers: Headers
  html: string
  /** The path of the redirect; null for a page. */
  location: string | null
  /** The name of the notice that the next page shows; null without a notice. */
  done: string | null
}

/** A browser with the console open. It keeps the cookie and posts forms. */
export class ConsoleBrowser {
  readonly server: TestServer
  readonly #cookies = new CookieJar()
  /** The same browser, which also follows redirects and fills forms by their labels. */
  readonly pages: PageBrowser
  /** The `Set-Cookie` of the last response that had one. */
  setCookie: string | null = null
  csrfToken = ''

  constructor(server: TestServer) {
    this.server = server
    this.pages = new PageBrowser((request) => server.send(request), this.#cookies)
  }

  /** A new operator, signed in by a session cookie. `signInAt` signs an operator in on the pages. */
  static async signIn(
    server: TestServer,
    roles: string[] = ['admin'],
  ): Promise<ConsoleBrowser & { user: User }> {
    const user = await server.addUser({ pool: 'operators', roles })
    const browser = new ConsoleBrowser(server)
    browser.cookie = await makeSessionCookie(server, user)
    await browser.get('/console')
    return Object.assign(browser, { user })
  }

  /** Opens a page of the console and signs an operator in on the pages of the service. */
  async signInAt(path: string, username: string, password = PASSWORD): Promise<ShownPage> {
    await this.pages.open(ISSUER + path)
    return this.pages.press('Sign in', { Username: username, Password: password })
  }

  get(path: string): Promise<ConsoleResponse> {
    return this.send(path)
  }

  /** Posts the fields of a form. A list has the values of checkboxes. */
  post(
    path: string,
    fields: Record<string, string | string[]> = {},
    headers: Record<string, string> = { Origin: ISSUER },
  ): Promise<ConsoleResponse> {
    const entries = Object.entries({ csrf_token: this.csrfToken, ...fields })
    const pairs = entries.flatMap(([name, value]) => [value].flat().map((item) => [name, item]))
    const body = new URLSearchParams(pairs).toString()
    return this.send(path, { method: 'POST', headers: { ...FORM, ...headers }, body })
  }

  async send(
    path: string,
    init: RequestInit & { headers?: Record<string, string> } = {},
  ): Promise<ConsoleResponse> {
    const { header: Cookie } = this.#cookies
    const response = await this.server.fetch(path, { ...init, headers: { ...init.headers, Cookie } })
    const lines = response.headers.getSetCookie()
    this.#cookies.keep(lines)
    this.setCookie = lines.findLast((line) => line.startsWith(`${COOKIE}=`)) ?? this.setCookie
    // A long name has places for line breaks, which change no text.
    const html = (await response.text()).replaceAll('<wbr/>', '')
    this.csrfToken = /name="csrf_token" value="([^"]+)"/.exec(html)?.[1] ?? this.csrfToken
    return {
      status: response.status,
      headers: response.headers,
      html,
      location: response.headers.get('Location'),
      done: await this.#readNotice(lines),
    }
  }

  /** The sealed session; null without a session. */
  get cookie(): string | null {
    return this.#cookies.get(COOKIE) ?? null
  }

  set cookie(value: string | null) {
    if (value === null) this.#cookies.delete(COOKIE)
    else this.#cookies.set(COOKIE, value)
  }

  removeCookie(name: string): void {
    this.#cookies.delete(name)
  }

  async #readNotice(setCookies: readonly string[]): Promise<string | null> {
    const [sealed] = setCookies.flatMap((text) => new RegExp(`^${NOTICE}=([^;]+)`).exec(text)?.[1] ?? [])
    if (sealed === undefined) return null
    return JSON.parse((await this.server.services.consoleSealer.open(sealed)) ?? '{}').value?.name ?? null
  }
}

/** Adds the clients of operators if they are missing, as an installation has them. */
export async function addConsoleClient({ services, config, clock }: TestServer): Promise<void> {
  const { issuer, adminApi } = config
  if (adminApi === null) throw new Error('the configuration has no admin API')
  const present = await services.clientAdmin.findMany(OPERATOR_CLIENT_IDS)
  await ensureOperatorClients(services.clientAdmin, present, { issuer, adminApi, now: clock.time })
}

/** The session cookie after a sign-in of the operator, without the pages. */
export async function makeSessionCookie(server: TestServer, { id }: User): Promise<string> {
  await addConsoleClient(server)
  const { redirectUri } = consoleAddressesOf(server.config.issuer)
  const code = await newCode(server, { id: CONSOLE_CLIENT }, id, {
    api: server.config.adminApi?.name ?? '',
    scope: ['openid'],
    uri: await hashUri(redirectUri),
  })
  const tokens = await server.requireTokens({
    grant_type: 'authorization_code',
    client_id: CONSOLE_CLIENT,
    code,
    redirect_uri: redirectUri,
    code_verifier: VERIFIER,
  })
  const value: ConsoleSession = {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? '',
    expiresAt: server.clock.time + tokens.expires_in,
    csrfToken: newCsrfToken(),
    nonce: '',
  }
  return server.services.consoleSealer.sealValue({ name: COOKIE, value })
}

/** The value of an input of a page. */
export function inputOf(html: string, name: string): string {
  const value = new RegExp(`name="${name}"[^>]*? value="([^"]*)"`).exec(html)?.[1] ?? ''
  return value.replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}
