import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { stringify } from 'yaml'
import { createApp } from '../../src/app.ts'
import { type ClientSecret, needsSecret } from '../../src/clients/client.ts'
import { generateClientSecret, generateSecretId, hashClientSecret } from '../../src/clients/client_secret.ts'
import { type ClientValues, fromDraft } from '../../src/clients/client_values.ts'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse_config.ts'
import { runCron, sweepStores } from '../../src/cron.ts'
import { pause } from '../../src/lib/pause.ts'
import { type RequestContext, UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import type { RenderedMail } from '../../src/mail/render_mail.ts'
import { createManagement } from '../../src/management_app.ts'
import { isAdminScope } from '../../src/oauth/admin_scope.ts'
import { requireEnvironment } from '../../src/services/environment.ts'
import { createManagementServices, type ManagementServices } from '../../src/services/management_services.ts'
import { SIGNING_PERIOD_SECONDS } from '../../src/sessions/feed_snapshot.ts'
import { addressOfLast } from '../../src/storage/last_response_store.ts'
import { BreachedPasswords } from '../../src/users/breaches/breached_passwords.ts'
import { createUser, type UserDraft } from '../../src/users/create_user.ts'
import type { User } from '../../src/users/user.ts'
import { emptyDatabases } from './databases.ts'
import { MailSink } from './mail_sink.ts'

export const ISSUER = 'https://id.shop.test'
export const STOREFRONT_AUDIENCE = 'https://shop.test/api'
export const BACKOFFICE_AUDIENCE = 'https://shop.test/admin/api'
export const ADMIN_AUDIENCE = `${ISSUER}/admin/api`
export const PASSWORD = 'correct horse battery staple'

export const APIS = {
  storefront: {
    audience: STOREFRONT_AUDIENCE,
    users: 'customers',
    guests: true,
    scopes: ['cart', 'orders', 'catalog'],
    guest_scopes: ['cart', 'catalog'],
  },
  backoffice: { audience: BACKOFFICE_AUDIENCE, users: 'staff', scopes: ['users', 'orders'] },
  admin: { audience: ADMIN_AUDIENCE, users: 'operators' },
}

const CONFIG = {
  issuer: ISSUER,
  cors: {
    allow_origins: ['https://www.shop.test'],
    allow_headers: ['X-Shop-Version'],
    preflight_max_age: 300,
  },
  apis: APIS,
  admin_api: 'admin',
}

/** The APIs of the tests. The storefront has the scope of the JSON API of the account, which `addClient` gives to its clients. */
export const ACCOUNT_SCOPE = {
  apis: { ...APIS, storefront: { ...APIS.storefront, scopes: [...APIS.storefront.scopes, 'account'] } },
  admin_api: 'admin',
}

/** config.yml of the tests, with top-level keys replaced. Other `apis` have no admin API among them. */
export function configText(overrides: Record<string, unknown> = {}): string {
  const operators = 'apis' in overrides ? { admin_api: undefined } : {}
  return stringify({ ...CONFIG, ...operators, ...overrides })
}

/**
 * A clock that a test moves by hand, in Unix seconds. It starts a minute after the last quarter of an hour. The revocation
 * list is signed anew at each quarter, and a test that starts just before one would see a second list.
 */
export class TestClock {
  time = Math.floor(Date.now() / 1000 / SIGNING_PERIOD_SECONDS) * SIGNING_PERIOD_SECONDS + 60
  now = (): number => this.time
  /** One turn of the event loop, for every duration. */
  pause = (): Promise<void> => pause(0)
}

/** Values for a new client instead of those that `addClient` gives it. */
type ClientChanges = Partial<ClientValues> & { secrets?: readonly ClientSecret[] }

export interface TestClient {
  id: string
  secret: string
  record: ClientValues
}

/** The default of config.yml, for tests about the cost of hashes. */
export const DEFAULT_COST = { password_hash: { m: 19456, t: 2, p: 1 } }

/** The lowest cost of Argon2id. Hashes have it unless the configuration gives `password_hash`. */
const CHEAP_HASH = { m: 8, t: 1, p: 1 }

interface ServerOptions {
  config?: Record<string, unknown>
  clock?: TestClock
  mails?: MailSink
  env?: Partial<Cloudflare.Env>
}

/** The configurations of earlier servers by their text. A test starts up to some hundred servers with the same text. */
const parsed = new Map<string, Config>()

function parseOnce(text: string): Config {
  const config = parsed.get(text) ?? parseConfig(text)
  parsed.set(text, config)
  return config
}

/** The application of one isolate, on the real stores. Both Workers run in it. Two servers share only the stores. */
export class TestServer {
  /** Keys of config.yml for every server that the running test creates. */
  static defaults: Record<string, unknown> = {}
  readonly config: Config
  readonly clock: TestClock
  readonly services: ManagementServices
  /** The continent of the callers, as Cloudflare reports it. */
  continent: string | null = null
  /** The longitude of the callers in degrees, as Cloudflare reports it. */
  longitude: string | null = null
  /** The country of the callers, as Cloudflare reports it. */
  country: string | null = null
  /** The autonomous system of the callers, as Cloudflare reports it. */
  asn: number | null = null
  /** The queue of mails. */
  readonly mails: MailSink
  readonly #app: ReturnType<typeof createApp>
  readonly #options: ServerOptions
  #contexts: ExecutionContext[] = []

  constructor(options: ServerOptions = {}) {
    this.#options = options
    const config = parseOnce(configText({ ...TestServer.defaults, ...options.config }))
    const passwordHash = options.config?.password_hash ? config.passwordHash : CHEAP_HASH
    this.config = { ...config, passwordHash }
    this.clock = options.clock ?? new TestClock()
    this.mails = options.mails ?? new MailSink()
    const bindings = { ...env, MAIL_QUEUE: this.mails.queue, ...options.env }
    const environment = requireEnvironment(bindings, this.config)
    this.services = createManagementServices(environment, this.config, this.clock)
    this.#app = createApp(this.services, createManagement(this.services))
  }

  /** Sends a request and waits for the work after its response. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return this.send(this.from(new Request(ISSUER + path, init)))
  }

  /** The request as Cloudflare passes it on. */
  from(request: Request): Request {
    const { continent, longitude, country, asn } = this
    const known = Object.entries({ continent, longitude, country, asn }).filter(([, value]) => value !== null)
    return known.length === 0 ? request : new Request(request, { cf: Object.fromEntries(known) })
  }

  /** Sends a request to any host, as `fetch`. */
  async send(request: Request): Promise<Response> {
    const context = createExecutionContext()
    const response = await this.#app.fetch(request, {}, context)
    await waitOnExecutionContext(context)
    return response
  }

  /** Sends a request. `settle` waits for the work after its response. */
  async answer(request: Request): Promise<Response> {
    const context = createExecutionContext()
    this.#contexts.push(context)
    return this.#app.fetch(request, {}, context)
  }

  /** The same server in another isolate with empty memory. */
  anotherIsolate(): TestServer {
    return new TestServer({ ...this.#options, clock: this.clock, mails: this.mails })
  }

  /** The mails since the last call, as a mail service gets them. It needs `mail` in the configuration (`MAIL`). */
  takeMails(): Promise<RenderedMail[]> {
    return this.mails.take(this.services)
  }

  /** The same, when the delay of all waiting news has passed. */
  takeDelayedMails(): Promise<RenderedMail[]> {
    return this.mails.takeDelayed(this.services)
  }

  /** A request context, for calls without HTTP. */
  context(): RequestContext {
    const context = createExecutionContext()
    this.#contexts.push(context)
    const waitUntil = (work: Promise<unknown>) => context.waitUntil(work)
    return { now: this.clock.time, ...UNKNOWN_CALLER, waitUntil }
  }

  /** Waits for the work after `context` and `answer`. */
  async settle(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => waitOnExecutionContext(context)))
  }

  sweep(): Promise<void> {
    return sweepStores(this.services, this.context())
  }

  /** Runs the cron trigger and waits for its work. */
  async cron(): Promise<void> {
    const context = createExecutionContext()
    await runCron(this.services, (work) => context.waitUntil(work))
    await waitOnExecutionContext(context)
  }

  postJson(body: unknown, headers: Record<string, string> = {}, path = '/oauth2-token'): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.fetch(path, {
      method: 'POST',
      body: text,
      headers: { 'Content-Type': 'application/json', ...headers },
    })
  }

  postForm(body: Record<string, string> | string, headers: Record<string, string> = {}): Promise<Response> {
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const text = typeof body === 'string' ? body : new URLSearchParams(body).toString()
    return this.fetch('/oauth2-token', { method: 'POST', body: text, headers: { ...type, ...headers } })
  }

  /** Adds a client of the storefront with every grant, changed as asked. */
  async addClient({ secrets, ...changes }: ClientChanges = {}): Promise<TestClient> {
    const secret = generateClientSecret()
    const hash = await hashClientSecret(secret)
    const api = changes.api ?? 'storefront'
    const record = {
      ...fromDraft({
        client_id: `client-${crypto.randomUUID()}`,
        name: 'A test client',
        api,
        grants: ['password', 'client_credentials'],
        scopes: (this.config.apis.get(api)?.scopes ?? []).filter((scope) => !isAdminScope(scope)),
      }),
      ...changes,
    }
    const stored = needsSecret(record) && secrets === undefined ? { id: generateSecretId(), hash } : null
    await this.services.clientAdmin.add(record, { secret: stored, now: this.clock.time }, [])
    for (const { hash, createdAt, expiresAt } of secrets ?? []) {
      await env.DB.prepare(
        `INSERT INTO client_secrets (secret_hash, client_id, created_at, expires_at, secret_id)
         VALUES (?, ?, ?, ?, ?)`,
      )
        .bind(hash, record.id, createdAt, expiresAt, generateSecretId())
        .run()
    }
    return { id: record.id, secret, record }
  }

  /** Adds a customer with the password above, changed as asked. */
  async addUser(changes: Partial<UserDraft> = {}): Promise<User> {
    const username = `${crypto.randomUUID()}@example.com`
    const draft = { pool: 'customers', username, password: PASSWORD, roles: [], enabled: true, ...changes }
    // Without a check for breaches, as for users from before the check existed.
    const services = { ...this.services, breaches: new BreachedPasswords(null, this.services.audit) }
    const occasion = { api: null, clientId: null, subject: null }
    const user = await createUser(draft, services, { occasion, context: this.context() })
    const id = this.services.userDatabases.newId(user)
    await this.services.userAdmin.add([{ ...user, id, profile: {} }], [])
    return { ...user, id, verifiedEmail: null }
  }

  /** Signs a user in. @returns the members of the response */
  async signIn(client: TestClient, username: string, password = PASSWORD): Promise<TokenResponse> {
    return this.requireTokens({ grant_type: 'password', ...credentials(client), username, password })
  }

  async refresh(client: TestClient, refreshToken: string | undefined): Promise<TokenResponse> {
    const parameters = { grant_type: 'refresh_token', ...credentials(client), refresh_token: refreshToken }
    return this.requireTokens(parameters)
  }

  async requireTokens(parameters: Record<string, unknown>): Promise<TokenResponse> {
    const response = await this.postJson(parameters)
    const answer = await response.json<TokenResponse>()
    if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(answer)}`)
    return answer
  }
}

export interface TokenResponse {
  token_type: string
  expires_in: number
  access_token: string
  refresh_token?: string
  scope?: string
  id_token?: string
}

/** Body parameters by which a client authenticates. */
export function credentials(client: TestClient): Record<string, string> {
  const secret = client.record.confidential ? { client_secret: client.secret } : {}
  return { client_id: client.id, ...secret }
}

export function basic(id: string, secret: string): string {
  return `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`
}

/** Empties every store. */
export async function emptyStores(): Promise<void> {
  await emptyKv()
  for (const name of ['jwks', 'revocations']) await caches.default.delete(addressOfLast(name, ISSUER))
  await emptyDatabases()
}

/** Empties KV. An earlier test file may have written to it. */
async function emptyKv(): Promise<void> {
  const { keys, list_complete } = await env.KV.list()
  await Promise.all(keys.map(({ name }) => env.KV.delete(name)))
  if (!list_complete) await emptyKv()
}
