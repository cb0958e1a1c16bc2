import { CookieJar } from '../../scripts/cookie_jar.ts'
import type { User } from '../../src/users/user.ts'
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
  /** The `Set-Cookie` of the last response that had one. */
  setCookie: string | null = null
  csrfToken = ''

  constructor(server: TestServer) {
    this.server = server
  }

  /** A new operator, signed in. */
  static async signIn(
    server: TestServer,
    roles: string[] = ['admin'],
  ): Promise<ConsoleBrowser & { user: User }> {
    await addConsoleClient(server)
    const user = await server.addUser({ pool: 'operators', roles })
    const browser = new ConsoleBrowser(server)
    const { location } = await browser.postSignIn(user.username)
    if (location === null) throw new Error('the console did not let the operator in')
    await browser.get('/console')
    return Object.assign(browser, { user })
  }

  postSignIn(username: string, password = PASSWORD, next = ''): Promise<ConsoleResponse> {
    return this.send('/console/sign-in', {
      method: 'POST',
      headers: { ...FORM, Origin: ISSUER },
      body: new URLSearchParams({ username, password, next }).toString(),
    })
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
    const html = await response.text()
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

  async #readNotice(setCookies: readonly string[]): Promise<string | null> {
    const [sealed] = setCookies.flatMap((text) => new RegExp(`^${NOTICE}=([^;]+)`).exec(text)?.[1] ?? [])
    if (sealed === undefined) return null
    return JSON.parse((await this.server.services.consoleSealer.open(sealed)) ?? '{}').value?.name ?? null
  }
}

/** Adds the public client of the console if it is missing. */
export async function addConsoleClient(server: TestServer): Promise<void> {
  const id = 'sallyport-console'
  if ((await server.services.clientAdmin.find(id)) !== null) return
  await server.addClient({ id, api: 'admin', confidential: false, grants: ['password'], scopes: [] })
}

/** The value of an input of a page. */
export function inputOf(html: string, name: string): string {
  const value = new RegExp(`name="${name}"[^>]*? value="([^"]*)"`).exec(html)?.[1] ?? ''
  return value.replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}
