import { type Client, type ClientEvent, type ClientOptions, createClient } from '../../client/client.ts'
import type { TokenStorage } from '../../client/session.ts'
import { createVerifier, type Verifier } from '../../verify/verifier.ts'
import { ISSUER, STOREFRONT_AUDIENCE, type TestClient, TestServer } from './server.ts'

export const API = 'https://api.shop.test'

/** What happens to the next requests for tokens, in order: they may reach the server or not. */
export type Fault = 'answer lost' | 'answer cut' | 'request lost' | 'server down'

/** The storage of one browser: a map, until it is full. */
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

/** A browser with tabs, the token service, and an API that verifies by the package. */
export class Browser {
  readonly server: TestServer
  readonly storage = new BrowserStorage()
  readonly faults: Fault[] = []
  /** What was posted to the token service. */
  readonly posted: URLSearchParams[] = []
  readonly events: ClientEvent[] = []
  readonly #client: TestClient
  readonly #verifier: Verifier

  private constructor(server: TestServer, client: TestClient) {
    this.server = server
    this.#client = client
    const fetch = (url: string, init: RequestInit) => server.fetch(new URL(url).pathname, init)
    this.#verifier = createVerifier({ issuer: ISSUER, audience: STOREFRONT_AUDIENCE, fetch })
  }

  static async open(): Promise<Browser> {
    const server = new TestServer()
    return new Browser(server, await server.addClient({ confidential: false, grants: ['password'] }))
  }

  /** One more tab: workerd has no Web Locks, so its tabs do not wait for each other. */
  tab(options: Partial<ClientOptions> = {}): Client {
    const client = createClient({
      issuer: ISSUER,
      clientId: this.#client.id,
      apis: [API],
      storage: this.storage,
      fetch: this.#fetch,
      now: this.server.clock.now,
      ...options,
    })
    client.subscribe((event) => this.events.push(event))
    return client
  }

  readonly #fetch: typeof fetch = async (input, init) => {
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
    const response = await this.server.fetch(path, { method: 'POST', headers: request.headers, body })
    if (fault === 'answer lost') throw new TypeError('network error')
    return fault === 'answer cut' ? new Response('{"token_type":"Be') : response
  }

  /** Says whose token came and with which body, or refuses it. */
  async #reachApi(request: Request): Promise<Response> {
    try {
      const { subject } = await this.#verifier.verify(request, { now: this.server.clock.time })
      return Response.json({ subject, body: await request.text() })
    } catch {
      return new Response(null, { status: 401 })
    }
  }
}
