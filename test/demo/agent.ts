import { createServer, type Server } from 'node:http'
import {
  Client,
  type OAuthClientProvider,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import type { Page } from 'playwright-core'
import { expect, inject } from 'vitest'

const MCP_URL = new URL(inject('demo').mcpServer)

/**
 * An AI agent on the user's machine with the official client of MCP. The demo data has its client id. The user signs in with a
 * browser, which returns to a loopback address.
 */
export class Agent implements OAuthClientProvider {
  readonly clientMetadata
  /** The address at which the agent last asked the user for access. */
  authorizationUrl: URL | null = null
  private stored: StoredOAuthTokens | undefined
  private verifier = ''
  private readonly callback: Callback

  private constructor(callback: Callback) {
    this.callback = callback
    this.clientMetadata = { client_name: 'Demo agent', redirect_uris: [callback.url] }
  }

  static async start(): Promise<Agent> {
    return new Agent(await Callback.listen())
  }

  get redirectUrl(): string {
    return this.callback.url
  }

  clientInformation() {
    return { client_id: 'demo-agent' }
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.stored
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.stored = tokens
  }

  /** Called when the service has refused the refresh token. */
  invalidateCredentials(): void {
    this.stored = undefined
  }

  redirectToAuthorization(url: URL): void {
    this.authorizationUrl = url
  }

  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier
  }

  codeVerifier(): string {
    return this.verifier
  }

  /** Connects to the MCP server and calls a tool. @returns The JSON of the tool */
  async call(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const client = new Client({ name: 'demo-agent', version: '1.0.0' })
    try {
      await client.connect(this.transport())
      const { content } = await client.callTool({ name, arguments: args })
      const [first] = content
      return first?.type === 'text' ? JSON.parse(first.text) : null
    } finally {
      await client.close()
    }
  }

  /** Calls a tool for which the agent needs the access of the user. */
  async isRefused(name: string): Promise<void> {
    this.authorizationUrl = null
    await expect(this.call(name)).rejects.toThrow(UnauthorizedError)
    expect(this.authorizationUrl).not.toBeNull()
  }

  /** Opens the sign-in of the last refusal, lets the user act, and exchanges the code. */
  async authorize(page: Page, act: () => Promise<void>): Promise<void> {
    if (this.authorizationUrl === null) throw new Error('the agent has not asked for access')
    const returned = this.callback.next()
    await page.goto(this.authorizationUrl.href)
    await act()
    await this.transport().finishAuth(await returned)
  }

  stop(): void {
    this.callback.close()
  }

  private transport(): StreamableHTTPClientTransport {
    return new StreamableHTTPClientTransport(MCP_URL, { authProvider: this })
  }
}

/** The loopback address to which the browser returns. */
class Callback {
  readonly url: string
  private readonly server: Server
  private resolve: (parameters: URLSearchParams) => void = () => {}

  private constructor(server: Server, port: number) {
    this.server = server
    this.url = `http://127.0.0.1:${port}/callback`
    server.on('request', (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', this.url)
      response.setHeader('Connection', 'close').end('You can close this page.')
      if (pathname === '/callback') this.resolve(searchParams)
    })
  }

  static async listen(): Promise<Callback> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return new Callback(server, typeof address === 'object' ? (address?.port ?? 0) : 0)
  }

  /** The parameters of the next return. */
  next(): Promise<URLSearchParams> {
    return new Promise((resolve) => {
      this.resolve = resolve
    })
  }

  close(): void {
    this.server.close()
  }
}
