import type { User } from '../../src/users/user.ts'
import { ISSUER, PASSWORD, type TestServer } from './server.ts'

const COOKIE = '__Host-sallyport-console'
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }

/** A response of the console with its text. */
export interface ConsoleResponse {
  status: number
  headers: Headers
  html: string
  /** The path of the redirect; null for a page. */
  location: string | null
}

/** A browser with the console open. It keeps the cookie and posts forms. */
export class ConsoleBrowser {
  readonly server: TestServer
  cookie: string | null = null
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
    const cookie = this.cookie === null ? {} : { Cookie: `${COOKIE}=${this.cookie}` }
    const response = await this.server.fetch(path, { ...init, headers: { ...init.headers, ...cookie } })
    this.#keepCookie(response.headers.get('Set-Cookie'))
    const html = await response.text()
    this.csrfToken = /name="csrf_token" value="([^"]+)"/.exec(html)?.[1] ?? this.csrfToken
    return {
      status: response.status,
      headers: response.headers,
      html,
      location: response.headers.get('Location'),
    }
  }

  #keepCookie(setCookie: string | null): void {
    if (setCookie === null) return
    this.setCookie = setCookie
    const [, value = ''] = /^__Host-sallyport-console=([^;]*)/.exec(setCookie) ?? []
    this.cookie = value === '' ? null : value
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
