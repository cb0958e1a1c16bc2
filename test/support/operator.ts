import { compact } from '../../src/lib/compact.ts'
import { PASSWORD, type TestClient, type TestServer, type TokenResponse } from './server.ts'

export interface AdminAnswer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

interface CallOptions {
  body?: unknown
  version?: unknown
  headers?: Record<string, string>
}

/** A program that calls the admin API with an access token. */
export class TestCaller {
  readonly server: TestServer
  tokens: TokenResponse
  /** The confirmation that each call sends, or null. */
  confirmation: string | null = null

  constructor(server: TestServer, tokens: TokenResponse) {
    this.server = server
    this.tokens = tokens
  }

  get(path: string): Promise<AdminAnswer> {
    return this.call('GET', path)
  }

  post(path: string, body?: unknown): Promise<AdminAnswer> {
    return this.call('POST', path, { body })
  }

  /** @param version The ETag for If-Match. */
  patch(path: string, body: unknown, version?: unknown): Promise<AdminAnswer> {
    return this.call('PATCH', path, { body, version })
  }

  delete(path: string, version?: unknown): Promise<AdminAnswer> {
    return this.call('DELETE', path, { version })
  }

  async call(
    method: string,
    path: string,
    { body, version, headers }: CallOptions = {},
  ): Promise<AdminAnswer> {
    return callAdmin(
      this.server,
      path,
      compact({
        method,
        body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
        headers: compact({
          Authorization: `Bearer ${this.tokens.access_token}`,
          'Content-Type': body === undefined ? undefined : 'application/json',
          'If-Match': version === undefined ? undefined : String(version),
          'Sallyport-Confirmation': this.confirmation ?? undefined,
          ...headers,
        }),
      }),
    )
  }
}

/** A signed-in operator who calls the admin API like a program. */
export class TestOperator extends TestCaller {
  readonly id: string
  readonly username: string
  readonly client: TestClient

  constructor(
    server: TestServer,
    who: {
      id: string
      username: string
      client: TestClient
      tokens: TokenResponse
      confirmation?: string | null
    },
  ) {
    super(server, who.tokens)
    this.id = who.id
    this.username = who.username
    this.client = who.client
    this.confirmation = who.confirmation ?? null
  }

  /** A new operator who has confirmed the password. */
  static async confirmed(server: TestServer): Promise<TestOperator> {
    const operator = await TestOperator.signIn(server)
    await operator.confirm()
    return operator
  }

  /** A new operator with the roles, signed in with a new public client. */
  static async signIn(server: TestServer, roles: string[] = ['admin']): Promise<TestOperator> {
    const client = await server.addClient({ api: 'admin', confidential: false, grants: ['password'] })
    const user = await server.addUser({ pool: 'operators', roles })
    const tokens = await server.signIn(client, user.username)
    return new TestOperator(server, { id: user.id, username: user.username, client, tokens })
  }

  async signInAgain(password = PASSWORD): Promise<void> {
    this.tokens = await this.server.signIn(this.client, this.username, password)
  }

  async refresh(): Promise<void> {
    this.tokens = await this.server.refresh(this.client, this.tokens.refresh_token)
  }

  /** Confirms the password. Later calls send the confirmation. */
  async confirm(password = PASSWORD): Promise<void> {
    const { status, body } = await this.post('/me/confirm', { current_password: password })
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
    this.confirmation = String(body.confirmation)
  }
}

/** Calls the admin API with only the headers of the request. */
export async function callAdmin(
  server: TestServer,
  path: string,
  init: RequestInit = {},
): Promise<AdminAnswer> {
  const response = await server.fetch(`/admin/api${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

/** The expected problem document. */
export function problem(status: number, code: string, title: string, rest: Record<string, unknown> = {}) {
  return { type: `urn:problem-type:sallyport:${code}`, title, status, ...rest }
}
