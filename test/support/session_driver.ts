import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import { hashUri } from '../../src/authorization/issue_code.ts'
import { endBrowserSessions } from '../../src/browser/end_browser_sessions.ts'
import { UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import { ONE_FACTOR } from '../../src/signin/authentication_level.ts'
import type { User } from '../../src/users/user.ts'
import { generateVisitorId } from '../../src/users/visitor.ts'
import { type AroundCall, aroundD1, isDeferredWrite } from './around_d1.ts'
import { aroundObjects } from './around_objects.ts'
import { CALLBACK, CODE_CLIENT, exchangeOf, newCode } from './authorize.ts'
import { readFeed } from './feed.ts'
import {
  credentials,
  PASSWORD,
  type TestClient,
  TestClock,
  TestServer,
  type TokenResponse,
} from './server.ts'
import { consentOf, withdrawConsentOf } from './session_consents.ts'
import type { Seen } from './session_history.ts'
import type { Action, Code, Feed, Outcome, Token } from './session_model.ts'
import { emptyObjects, sweepObjects } from './session_objects.ts'
import type { SessionStoreCase } from './session_stores.ts'
import { changePassword, endTokensOfClient, setRefreshRules, signOutUser } from './sign_out.ts'

/** The default lifetime of a browser session. */
const BROWSER_SECONDS = 12 * 3600

/** Each code of a sequence has its own redirect URI, so that it has its own consent. */
const REDIRECT_URIS = Array.from({ length: 20 }, (_, i) => `${CALLBACK}/${i}`)

/** No lock: the wrong passwords of one sequence would count in the next. */
const CONFIG = {
  session_shards: [
    { name: 's1', binding: 'DB' },
    { name: 'eu', binding: 'SESSIONS_EU', continents: ['EU'] },
  ],
  sign_in_limits: { account: { failures: 1_000_000 }, client: { failures: 1_000_000 } },
}

/** The configurations of the two isolates. With session objects, the second isolate begins its sessions in the databases. */
const CONFIGS = {
  D1: [CONFIG, CONFIG],
  'session objects': [
    { ...CONFIG, session_objects: { per_market: 2, strict: true } },
    { ...CONFIG, session_objects: { per_market: 0, strict: true } },
  ],
} as const satisfies Record<SessionStoreCase['name'], readonly unknown[]>

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
  /** The store of new sessions. */
  store: SessionStoreCase['name']
}

/** The tokens of a session, oldest first: refresh tokens by their number, and access tokens. */
export interface KnownSession {
  refresh: Token[]
  access: Token[]
}

export async function makeCast(store: SessionStoreCase['name']): Promise<Cast> {
  const server = new TestServer({ config: CONFIG })
  const ann = await server.addUser({ password: PASSWORDS[0] })
  const bob = await server.addUser({ password: PASSWORDS[1] })
  const hashes = new Map([
    [PASSWORDS[0], ann.passwordHash],
    [PASSWORDS[1], bob.passwordHash],
  ])
  const client = {
    ...CODE_CLIENT,
    redirectUris: REDIRECT_URIS,
    grants: ['password', 'authorization_code', 'refresh_token'],
    confidential: true,
  } satisfies Parameters<TestServer['addClient']>[0]
  return { web: await server.addClient(client), app: await server.addClient(client), ann, bob, hashes, store }
}

/** Restores the first state: no session, no revocation, and the first password for each user. */
export async function beginAnew({ web, app, ann, bob, hashes, store }: Cast): Promise<void> {
  const resetUser = env.DB.prepare(
    'UPDATE users SET tokens_valid_from = 0, access_valid_from = 0, password_hash = ? WHERE id = ?',
  )
  const resetClient = env.DB.prepare(
    `UPDATE clients SET tokens_valid_from = 0, access_valid_from = 0, refresh = 'rotate', refresh_retry_window = NULL
     WHERE client_id = ?`,
  )
  await env.DB.batch([
    ...['sessions', 'cutoffs', 'session_index', 'audit_events', 'consents', 'ended_browser_sessions'].map(
      (table) => env.DB.prepare(`DELETE FROM ${table}`),
    ),
    ...[ann, bob].map(({ id }) => resetUser.bind(hashes.get(PASSWORDS[0]), id)),
    ...[web, app].map(({ id }) => resetClient.bind(id)),
  ])
  if (store === 'session objects') await emptyObjects()
  const { SESSIONS_EU } = env
  await SESSIONS_EU.batch(['sessions', 'cutoffs'].map((table) => SESSIONS_EU.prepare(`DELETE FROM ${table}`)))
}

/** Sends actions to two isolates in turn. The isolates share the stores and the clock. */
export class SessionDriver {
  readonly clock = new TestClock()
  /** The sessions in the order of their sign-ins. */
  readonly sessions: KnownSession[] = []
  /** The codes in the order in which they were issued. */
  readonly codes: Code[] = []
  /** Wraps the calls to D1 that a response waits for. */
  aroundCall: AroundCall | null = null
  readonly #cast: Cast
  readonly #servers: [TestServer, TestServer]
  readonly #open: (around: AroundCall, isolate: 0 | 1) => TestServer
  /** An isolate that stops after the insertion of a session; null before its first request. */
  #dying: TestServer | null = null
  #isDead = false
  /** The number of browser sessions that a user left. */
  readonly #logouts = new Map<string, number>()

  constructor(cast: Cast) {
    this.#cast = cast
    this.#open = (around, isolate) => {
      const databases = { DB: aroundD1(around), SESSIONS_EU: aroundD1(around, env.SESSIONS_EU) }
      const stores = { ...databases, SESSION_OBJECTS: aroundObjects(around) }
      return new TestServer({ clock: this.clock, config: CONFIGS[cast.store][isolate], env: stores })
    }
    this.#servers = [this.#open(this.#around, 0), this.#open(this.#around, 1)]
  }

  readonly #around: AroundCall = (sql, call) =>
    this.aroundCall === null || isDeferredWrite(sql) ? call() : this.aroundCall(sql, call)

  /** Makes the calls to D1 up to the insertion of a session. Later calls are not made. */
  readonly #untilInsertion: AroundCall = async (sql, call) => {
    if (this.#isDead) throw new Error('the isolate stopped')
    const result = await this.#around(sql, call)
    this.#isDead ||= sql.includes('INTO sessions')
    return result
  }

  async send(action: Action): Promise<Seen> {
    this.#servers.reverse()
    return { action, response: await this.#perform(action, this.#servers[0]) }
  }

  /** Issues a code, as the authorization endpoint does. @param subject Null for a new guest. */
  async authorize(client: TestClient, subject: string | null, place: 'main' | 'elsewhere'): Promise<void> {
    const [server] = this.#servers
    const at = this.clock.time
    const user = subject === null ? null : await server.services.userAdmin.find(subject)
    const iat = Math.max(at, user?.tokensValidFrom ?? 0)
    const sid = server.services.shards.newSid({
      ...UNKNOWN_CALLER,
      continent: place === 'main' ? null : 'EU',
    })
    const holder = subject ?? generateVisitorId()
    const browser = subject === null ? null : `browser ${this.#logouts.get(subject) ?? 0} of ${subject}`
    const hasConsent = subject !== null && client.id === this.#cast.app.id
    const redirectUri = REDIRECT_URIS[this.codes.length] ?? ''
    const origin = { clientId: client.id, redirectUri, browser, hasConsent }
    const code = { sid, subject: holder, issuedAt: iat, at, ...origin }
    const text = await newCode(server, client, holder, {
      sid,
      iat,
      uri: await hashUri(redirectUri),
      auth: browser === null ? null : { time: at, amr: ['pwd'], acr: ONE_FACTOR, browser },
      consent: hasConsent ? { id: await consentOf(code), given: true } : null,
    })
    this.codes.push({ ...code, text })
  }

  /** Removes expired rows. */
  async sweep(): Promise<void> {
    await this.#servers[0].sweep()
    if (this.#cast.store === 'session objects') await sweepObjects(this.clock.time)
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
      case 'exchange': {
        const { code, verifier, fate } = action
        const { client_id, client_secret, ...parameters } = exchangeOf(this.#cast.web, code.text, {
          redirect_uri: code.redirectUri,
          ...(verifier === 'wrong' && { code_verifier: 'x'.repeat(43) }),
        })
        const response = await this.#post(fate === 'stopped' ? this.#revive() : server, action, parameters)
        return fate === 'answered' ? this.#record(response) : { status: null }
      }
      case 'log out':
        await this.#logOut(server, action)
        break
      case 'withdraw consent':
        await withdrawConsentOf(server, action.code)
        break
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
        break
      case 'set policy':
        await setRefreshRules(server, action.clientId, action.rules)
        for (const { services } of this.#servers) services.clients.forget(action.clientId)
    }
    await server.settle()
    return { status: 200 }
  }

  #revive(): TestServer {
    this.#isDead = false
    this.#dying ??= this.#open(this.#untilInsertion, 0)
    return this.#dying
  }

  /** Ends a browser session, as the logout endpoint does. The user signs in again in a new one. */
  async #logOut(
    server: TestServer,
    { browser: id, subject }: Extract<Action, { do: 'log out' }>,
  ): Promise<void> {
    const occasion = { clientId: null, services: server.services, context: server.context() }
    this.#logouts.set(subject, (this.#logouts.get(subject) ?? 0) + 1)
    const endsAt = this.clock.time + BROWSER_SECONDS
    await endBrowserSessions({ subject, endsAt }, [id], occasion)
  }

  #post(
    server: TestServer,
    { clientId }: { clientId: string },
    parameters: Record<string, string | undefined>,
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
    const { sid, subject, clientId, seq } = refresh
    expect(access).toMatchObject({ sid, subject, clientId })
    const session = this.sessions.find((known) => known.access[0]?.sid === sid) ?? this.#addSession()
    // A refresh token that stays valid is the same text again.
    if (refresh.jwt !== session.refresh[seq ?? 0]?.jwt) expect(refresh.issuedAt).toBe(access.issuedAt)
    const { issuedAt } = access
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
