import { decodeJwt } from 'jose'
import { type Client, createClient } from '../../packages/client/src/client.ts'
import type { ClientEvent, ClientOptions } from '../../packages/client/src/options.ts'
import type { Session, TokenStorage } from '../../packages/client/src/session.ts'
import { TokenError } from '../../packages/verify/src/token_error.ts'
import { createVerifier, type Verifier } from '../../packages/verify/src/verifier.ts'
import type { User } from '../../src/users/user.ts'
import { ISSUER, PASSWORD, STOREFRONT_AUDIENCE, type TestClient, TestServer } from './server.ts'
import { signOutUser } from './sign_out.ts'

export const API = 'https://api.shop.test'
export const CART = `${API}/cart`
/** A path of the API that needs a second factor and a sign-in of the last minute. */
export const ADDRESS = `${API}/address`
export const HOUR = 3600

/** The faults of the next token requests, in order. A request can reach the server or not. */
export type Fault =
  | 'response lost'
  | 'response truncated'
  | 'request lost'
  | 'server down'
  | keyof typeof STRANGERS

/** JSON of an intermediary between the page and the token service. */
const STRANGERS = {
  'a portal responds': () => Response.json({ login: 'https://wifi.test' }),
  'a portal responds null': () => Response.json(null),
  'a portal responds half': () => Response.json({ access_token: 'a', refresh_token: 'b' }),
  'a proxy refuses': () => Response.json({ message: 'blocked' }, { status: 403 }),
}

/** The storage of one browser, with a maximum size. */
export class BrowserStorage implements TokenStorage {
  readonly items = new Map<string, string>()
  isFull = false

  getItem(key: string): string | null {
    return this.items.get(key) ?? null
  }

  setItem(key: string, value: string): void {
    if (this.isFull) throw new DOMException('full', 'QuotaExceededError')
    this.items.set(key, value)
  }

  removeItem(key: string): void {
    this.items.delete(key)
  }
}

/** A browser with tabs, the token service, and an API with the verifier package. */
export class Browser {
  /** The token service. A test replaces it to change its configuration. */
  server: TestServer
  readonly storage = new BrowserStorage()
  readonly faults: Fault[] = []
  /** The bodies of the token requests. */
  readonly posted: URLSearchParams[] = []
  readonly events: ClientEvent[] = []
  readonly client: TestClient
  readonly #verifier: Verifier

  private constructor(server: TestServer, client: TestClient) {
    this.server = server
    this.client = client
    const fetch = (url: string, init: RequestInit) => server.fetch(new URL(url).pathname, init)
    this.#verifier = createVerifier({ issuer: ISSUER, audience: STOREFRONT_AUDIENCE, fetch })
  }

  /** @param changes Fields of the client instead of those of a public client with the password grant. */
  static async open(
    config: Record<string, unknown> = {},
    changes: Parameters<TestServer['addClient']>[0] = {},
  ): Promise<Browser> {
    const server = new TestServer({ config })
    const client = await server.addClient({ confidential: false, grants: ['password'], ...changes })
    return new Browser(server, client)
  }

  /** Opens another tab. workerd has no Web Locks, so the tabs do not wait for each other. */
  tab(options: Partial<ClientOptions> = {}): Client {
    const client = createClient({
      issuer: ISSUER,
      clientId: this.client.id,
      apis: [API],
      storage: this.storage,
      fetch: this.fetch,
      now: this.server.clock.now,
      ...options,
    })
    client.subscribe((event) => this.events.push(event))
    return client
  }

  /** A tab whose requests are delayed before or after the server handles them, until the test calls `open`. */
  slowTab(waits: 'request' | 'answer'): { tab: Client; open: () => void } {
    const gate = Promise.withResolvers<void>()
    const tab = this.tab({
      fetch: async (input, init) => {
        if (waits === 'request') await gate.promise
        const response = await this.fetch(input, init)
        await gate.promise
        return response
      },
    })
    return { tab, open: gate.resolve }
  }

  /** Ends the sessions of a user, as an operator does. */
  async endSessions({ id }: User): Promise<void> {
    await signOutUser(this.server, id)
    await this.server.settle()
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const { origin, pathname } = new URL(request.url)
    return origin === ISSUER ? this.#reachServer(pathname, request) : this.#reachApi(request)
  }

  async #reachServer(path: string, request: Request): Promise<Response> {
    const body = new TextDecoder().decode(await request.arrayBuffer())
    this.posted.push(new URLSearchParams(body))
    const fault = this.faults.shift()
    if (fault === 'request lost') throw new TypeError('network error')
    if (fault === 'server down') return Response.json({ error: 'temporarily_unavailable' }, { status: 503 })
    if (fault && isStrange(fault)) return STRANGERS[fault]()
    const response = await this.server.fetch(path, { method: 'POST', headers: request.headers, body })
    if (fault === 'response lost') throw new TypeError('network error')
    return fault === 'response truncated' ? new Response('{"token_type":"Be') : response
  }

  /** Returns the subject of the token and the body, or refuses the token. */
  async #reachApi(request: Request): Promise<Response> {
    try {
      const demands = request.url === ADDRESS ? { acrValues: ['urn:sallyport:2'], maxAgeSeconds: 60 } : {}
      const { subject } = await this.#verifier.verify(request, { now: this.server.clock.time, ...demands })
      return Response.json({ subject, body: await request.text() })
    } catch (error) {
      if (error instanceof TokenError) return error.toResponse()
      throw error
    }
  }
}

function isStrange(fault: Fault): fault is keyof typeof STRANGERS {
  return fault in STRANGERS
}

/** A customer who has just signed in, in a new browser. */
export async function customer(config: Record<string, unknown> = {}) {
  const browser = await Browser.open(config)
  const user = await browser.server.addUser()
  const tab = browser.tab()
  await tab.signIn(user.username, PASSWORD)
  return { browser, user, tab }
}

export const claimsOf = (session: Session | null) => decodeJwt(session?.accessToken ?? '')
export const subjectOf = async (response: Response) => (await response.json<{ subject: string }>()).subject
export const grantsOf = (browser: Browser) => browser.posted.map((form) => form.get('grant_type'))
