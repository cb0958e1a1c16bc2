import { expect, vi } from 'vitest'
import { createVerifier } from '../../packages/verify/src/verifier.ts'
import { CALLBACK, CHALLENGE, CODE_CLIENT } from './authorize.ts'
import { AGENT_ID, CLIENT_ORIGIN, type FuzzRequest, type Known, LOST_ID } from './fuzz_requests.ts'
import { InputCounts } from './fuzz_run.ts'
import { RemoteDocuments } from './remote_documents.ts'
import { ISSUER, STOREFRONT_AUDIENCE, type TestClient, TestServer, type TokenResponse } from './server.ts'

/** A request, its response, and the log lines of its handling. */
export interface Exchange {
  request: FuzzRequest
  status: number
  headers: Headers
  text: string
  lines: readonly string[]
}

const LEVELS = ['debug', 'log', 'info', 'warn', 'error'] as const

/** A server for fuzzed requests. It records its log and, by default, computes no hashes. */
export class FuzzServer {
  readonly server: TestServer
  readonly counts = new InputCounts()
  #lines: string[] = []
  #documents: RemoteDocuments | null = null
  readonly #restore: () => void

  constructor(options: ConstructorParameters<typeof TestServer>[0] = {}, { hashes = false } = {}) {
    this.server = new TestServer(options)
    const spies = LEVELS.map((level) =>
      vi.spyOn(console, level).mockImplementation((...words: unknown[]) => {
        this.#lines.push(words.map(String).join(' '))
      }),
    )
    const { passwords } = this.server.services
    const passwordSpies = hashes
      ? []
      : [
          vi.spyOn(passwords, 'verify').mockResolvedValue(false),
          vi.spyOn(passwords, 'hash').mockResolvedValue('$argon2id$v=19$m=1,t=1,p=1$AA$AA'),
        ]
    this.#restore = () => {
      for (const spy of [...spies, ...passwordSpies]) spy.mockRestore()
    }
  }

  /** Restores the console, the hashing and the global `fetch`. */
  restore(): void {
    this.#documents?.close()
    this.#restore()
  }

  /** @param where The group that the input counts in. Default: the path */
  async exchange(request: FuzzRequest, where = new URL(request.url).pathname): Promise<Exchange> {
    this.counts.add(where)
    this.#lines = []
    const { url, ...init } = request
    const response = await this.server.send(new Request(url, init))
    const { status, headers } = response
    const text = new TextDecoder().decode(await response.arrayBuffer())
    return { request, status, headers, text, lines: this.#lines }
  }

  async makeKnown(): Promise<Known> {
    const { server } = this
    const [machine, shop, page] = await Promise.all([
      server.addClient({ grants: ['client_credentials'] }),
      server.addClient({
        ...CODE_CLIENT,
        grants: ['password', 'client_credentials', 'authorization_code'],
        confidential: true,
        origins: [CLIENT_ORIGIN],
      }),
      server.addClient({ confidential: false, grants: ['password'], origins: [CLIENT_ORIGIN] }),
    ])
    // An earlier copy of these clients can lack the origins.
    await server.services.origins.renewCopy(server.context())
    const agent = { id: AGENT_ID, secret: '', record: { ...page.record, id: AGENT_ID } }
    return { machine, shop, page, agent }
  }

  /**
   * Publishes the document of the agent and fetches it, and also one that does not exist. The server of the documents stays until
   * `restore`.
   */
  async fetchDocuments(): Promise<void> {
    const documents = RemoteDocuments.open()
    this.#documents = documents
    documents.setJson(AGENT_ID, {
      client_id: AGENT_ID,
      client_name: 'Shopping agent',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const request = { response_type: 'code', code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    for (const [client_id, status] of [
      [AGENT_ID, 201],
      [LOST_ID, 503],
    ]) {
      const response = await this.server.postJson({ ...request, client_id }, {}, '/oauth2-token/par')
      expect([client_id, response.status]).toEqual([client_id, status])
    }
  }
}

/** A session that must survive all other requests. The test refreshes, introspects and verifies it in between. */
export class Witness {
  readonly #server: TestServer
  readonly #client: TestClient
  tokens: TokenResponse

  private constructor(server: TestServer, client: TestClient, tokens: TokenResponse) {
    this.#server = server
    this.#client = client
    this.tokens = tokens
  }

  static async begin(server: TestServer): Promise<Witness> {
    const client = await server.addClient()
    return new Witness(server, client, await server.signIn(client, 'guest', 'guest'))
  }

  /** Fails if valid requests no longer get their usual responses. */
  async testify(): Promise<void> {
    const server = this.#server
    this.tokens = await server.refresh(this.#client, this.tokens.refresh_token)
    await server.signIn(this.#client, 'guest', 'guest')
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: STOREFRONT_AUDIENCE,
      fetch: (url, init) => server.fetch(new URL(url).pathname, init),
    })
    await verifier.verify(this.tokens.access_token, { now: server.clock.time })
  }
}
