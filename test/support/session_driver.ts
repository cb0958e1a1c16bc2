import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import type { User } from '../../src/users/user.ts'
import { type AroundCall, aroundD1, isDeferredWrite } from './around_d1.ts'
import { readFeed } from './feed.ts'
import {
  credentials,
  PASSWORD,
  type TestClient,
  TestClock,
  TestServer,
  type TokenResponse,
} from './server.ts'
import type { Seen } from './session_history.ts'
import type { Action, Feed, Outcome, Token } from './session_model.ts'
import { changePassword, endTokensOfClient, signOutUser } from './sign_out.ts'

/** No lock: the wrong passwords of one sequence would count in the next. */
const CONFIG = {
  sign_in_limits: { account: { failures: 1_000_000 }, client: { failures: 1_000_000 } },
}

/** Each user begins with the first password. */
export const PASSWORDS = [PASSWORD, 'staple battery horse correct'] as const

/** The clients and users. They are created once and reset before each sequence. */
export interface Cast {
  web: TestClient
  app: TestClient
  ann: User
  bob: User
  /** PHC strings by password. */
  hashes: ReadonlyMap<string, string>
}

/** The tokens of a session, oldest first: refresh tokens by their number, and access tokens. */
export interface KnownSession {
  refresh: Token[]
  access: Token[]
}

export async function makeCast(): Promise<Cast> {
  const server = new TestServer({ config: CONFIG })
  const ann = await server.addUser({ password: PASSWORDS[0] })
  const bob = await server.addUser({ password: PASSWORDS[1] })
  const hashes = new Map([
    [PASSWORDS[0], ann.passwordHash],
    [PASSWORDS[1], bob.passwordHash],
  ])
  return { web: await server.addClient(), app: await server.addClient(), ann, bob, hashes }
}

/** Restores the first state: no session, no revocation, and the first password for each user. */
export async function beginAnew({ web, app, ann, bob, hashes }: Cast): Promise<void> {
  const resetUser = env.DB.prepare(
    'UPDATE users SET tokens_valid_from = 0, access_valid_from = 0, password_hash = ? WHERE id = ?',
  )
  const resetClient = env.DB.prepare('UPDATE clients SET tokens_valid_from = 0 WHERE client_id = ?')
  await env.DB.batch([
    ...['sessions', 'cutoffs', 'audit_events'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
    ...[ann, bob].map(({ id }) => resetUser.bind(hashes.get(PASSWORDS[0]), id)),
    ...[web, app].map(({ id }) => resetClient.bind(id)),
  ])
}

/** Sends actions to two isolates in turn. The isolates share the stores and the clock. */
export class SessionDriver {
  readonly clock = new TestClock()
  /** The sessions in the order of their sign-ins. */
  readonly sessions: KnownSession[] = []
  /** Wraps the calls to D1 that a response waits for. */
  aroundCall: AroundCall | null = null
  readonly #cast: Cast
  readonly #servers: [TestServer, TestServer]

  constructor(cast: Cast) {
    this.#cast = cast
    const db = aroundD1((sql, call) => {
      return this.aroundCall === null || isDeferredWrite(sql) ? call() : this.aroundCall(sql, call)
    })
    const options = { clock: this.clock, config: CONFIG, env: { DB: db } }
    this.#servers = [new TestServer(options), new TestServer(options)]
  }

  async send(action: Action): Promise<Seen> {
    this.#servers.reverse()
    return { action, response: await this.#perform(action, this.#servers[0]) }
  }

  /** Removes expired rows. */
  async sweep(): Promise<void> {
    await this.#servers[0].sweep()
  }

  async readFeed(): Promise<Feed> {
    const { revocations } = await readFeed(this.#servers[0])
    const entries = revocations.map(({ before, ...named }): [string, number] => [
      Object.entries(named).flat().join(' '),
      Number(before),
    ])
    return Object.fromEntries(entries)
  }

  async #perform(action: Action, server: TestServer): Promise<Outcome> {
    switch (action.do) {
      case 'sign in': {
        const { username, password } = action
        return this.#record(await this.#post(server, action, { grant_type: 'password', username, password }))
      }
      case 'refresh': {
        const parameters = { grant_type: 'refresh_token', refresh_token: action.token.jwt }
        return this.#record(await this.#post(server, action, parameters))
      }
      case 'revoke': {
        const { status } = await this.#post(server, action, { token: action.token.jwt }, '/revoke')
        return { status }
      }
      case 'introspect': {
        const response = await this.#post(server, action, { token: action.token.jwt }, '/introspect')
        return { status: response.status, active: (await response.json<{ active: boolean }>()).active }
      }
      case 'change password': {
        const passwordHash = this.#cast.hashes.get(action.password) ?? ''
        await changePassword(server, action.subject, passwordHash)
        break
      }
      case 'sign out everywhere':
        await signOutUser(server, action.subject)
        break
      case 'sign out client':
        await endTokensOfClient(server, action.clientId)
        // The model has no copies. test/copy_ages.test.ts tests them.
        for (const { services } of this.#servers) services.clients.forget(action.clientId)
    }
    await server.settle()
    return { status: 200 }
  }

  #post(
    server: TestServer,
    { clientId }: { clientId: string },
    parameters: Record<string, string>,
    endpoint = '',
  ): Promise<Response> {
    const { web, app } = this.#cast
    const client = clientId === web.id ? web : app
    return server.postJson({ ...credentials(client), ...parameters }, {}, `/oauth2-token${endpoint}`)
  }

  /** Records the tokens of a response. */
  async #record(response: Response): Promise<Outcome> {
    const { status } = response
    if (status !== 200) {
      const error = status === 503 ? 'temporarily_unavailable' : 'invalid_grant'
      expect(await response.json()).toMatchObject({ error })
      return { status }
    }
    const { access_token, refresh_token = '' } = await response.json<TokenResponse>()
    const [access, refresh] = [readToken(access_token), readToken(refresh_token)]
    const { jwt, seq, expiresAt, ...common } = refresh
    expect(access).toMatchObject(common)
    const { sid, issuedAt } = common
    const session = this.sessions.find((known) => known.access[0]?.sid === sid) ?? this.#addSession()
    session.refresh[seq ?? 0] = refresh
    session.access.push(access)
    return { status, issued: { sid, seq: seq ?? 0, issuedAt } }
  }

  #addSession(): KnownSession {
    const session = { refresh: [], access: [] }
    this.sessions.push(session)
    return session
  }
}

type Claims = Record<'sid' | 'sub' | 'client_id', string> & Record<'iat' | 'exp', number> & { seq?: number }

function readToken(jwt: string): Token {
  const { sid, sub, client_id, seq = null, iat, exp } = decodeJwt<Claims>(jwt)
  return { sid, subject: sub, clientId: client_id, seq, issuedAt: iat, expiresAt: exp, jwt }
}
