import {
  isGuest,
  mayActFor,
  onStorageChange,
  type Session,
  SessionStore,
  type TokenStorage,
} from './session.ts'
import { type Exclusively, tabLock } from './tab_lock.ts'
import { unlessAborted } from './time_limit.ts'
import { parseTokens, persist, post, TokenRequestError } from './token_endpoint.ts'

export interface ClientOptions {
  /** The token server, without a slash at its end. */
  issuer: string
  /** A public client: a page can keep no secret. */
  clientId: string
  /** The APIs that may see the access token. Only their origins count. */
  apis: readonly string[]
  /** Asked for at each sign-in; all that the client may have where absent. */
  scope?: string
  /** False where the API has no guests. */
  guests?: boolean
  /** `localStorage` where absent: shared by the tabs of the page's origin. */
  storage?: TokenStorage
  fetch?: typeof globalThis.fetch
  /** Unix seconds; the browser's clock where absent. */
  now?: () => number
}

/** What happened to the session. */
export type ClientEvent =
  | 'guest_started'
  | 'signed_in'
  | 'refreshed'
  /** A response was lost; the same request is tried again. */
  | 'retrying'
  | 'signed_out'
  /** The tokens cannot be renewed: the session is over. */
  | 'session_ended'
  /** Another tab did one of these. */
  | 'changed_elsewhere'

export type ClientListener = (event: ClientEvent, session: Session | null) => void

/** From then on a new access token is fetched beside the requests; once it has ended they wait for it. */
const REFRESH_AHEAD_SECONDS = 60

/** A younger token that an API refuses is not mended by another one. */
const WORTH_RENEWING_SECONDS = 10

/**
 * Keeps the tokens of one visitor or customer, in all tabs: refreshes them ahead of their end, one tab at a time,
 * and again with the same token where a response was lost.
 */
export class Client {
  readonly #options: ClientOptions
  readonly #apis: ReadonlySet<string>
  readonly #store: SessionStore
  readonly #exclusively: Exclusively
  readonly #fetch: typeof globalThis.fetch
  readonly #listeners = new Set<ClientListener>()
  #renewing: Promise<Session> | null = null

  /** @throws TypeError for an issuer or an API that is not a URL */
  constructor(options: ClientOptions) {
    const key = `sallyport:${options.clientId}`
    // Without this check each request would fail like a network error.
    new URL(options.issuer)
    this.#options = options
    this.#apis = new Set(options.apis.map((api) => new URL(api).origin))
    this.#store = new SessionStore(key, options.storage)
    this.#exclusively = tabLock(key)
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
    onStorageChange(key, () => this.#tell('changed_elsewhere'))
  }

  /** The session as it is stored, which another tab may have changed. */
  get session(): Session | null {
    return this.#store.find()
  }

  /** @returns What ends the subscription */
  subscribe(listener: ClientListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * `fetch` with the access token, for the APIs of this client alone. A token that the API refuses is renewed once. No
   * request of a customer is sent as a guest's or as another customer's. The signal of the request also ends the wait for
   * a token.
   *
   * @throws TypeError for any other origin
   * @throws TokenRequestError where there is no token to be had, `session_ended` where the customer's session is over
   */
  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const { origin } = new URL(request.url)
    if (!this.#apis.has(origin)) throw new TypeError(`${origin} is not an API of this client`)
    const session = await unlessAborted(request.signal, this.#fresh())
    const response = await this.#send(request.clone(), session)
    // Either way: the clock may have been set back.
    const ageSeconds = Math.abs(this.#now() - session.issuedAt)
    if (response.status !== 401 || ageSeconds < WORTH_RENEWING_SECONDS) return response
    const renewed = await unlessAborted(
      request.signal,
      this.#renew(session).catch(() => null),
    )
    return renewed && mayActFor(renewed, session) ? this.#send(request, renewed) : response
  }

  /** Renews the tokens now; those that live and cannot be renewed stay. @throws TokenRequestError */
  async refresh(): Promise<Session> {
    const { session } = this
    const isAllThereIs = session?.refreshToken === null && this.#secondsLeft(session) > 0
    return isAllThereIs ? session : this.#renew(session)
  }

  /**
   * Signs a customer in, and hands over the guest that this browser was: the new tokens then say whose cart to merge.
   *
   * @throws TokenRequestError `invalid_grant` for a wrong name or password
   */
  signIn(username: string, password: string): Promise<Session> {
    return this.#exclusively(async () => {
      const guest = await this.#findLiveGuest()
      const visitor = guest ? { visitor_access_token: guest.accessToken } : {}
      const session = await this.#requestSession({ username, password, ...visitor })
      this.#store.save(session)
      this.#tell('signed_in')
      return session
    })
  }

  /**
   * Forgets the tokens here at once, then ends the session at the server.
   *
   * @throws TokenRequestError where the server could not be told: the session lives on there
   */
  async signOut(): Promise<void> {
    const session = this.#forget()
    // A customer who is there once it is this tab's turn was being signed in; a guest has come since, and stays.
    const late = this.#exclusively(async () => {
      const isSignedIn = this.session !== null && !isGuest(this.session)
      return isSignedIn ? this.#forget() : null
    })
    await Promise.all([this.#revoke(session), late.then((other) => this.#revoke(other))])
  }

  #forget(): Session | null {
    const { session } = this
    this.#store.clear()
    this.#tell('signed_out')
    return session
  }

  async #revoke(session: Session | null): Promise<void> {
    if (!session) return
    const form = { client_id: this.#options.clientId, token: session.refreshToken ?? session.accessToken }
    await this.#persist(() => this.#post('/oauth2-token/revoke', form))
  }

  /** A session whose access token lives. */
  async #fresh(): Promise<Session> {
    const { session } = this
    if (!session) return this.#renew(null)
    if (this.#secondsLeft(session) <= 0) return this.#requireSuccessor(session)
    if (this.#isDue(session)) this.#renew(session).catch(() => {})
    return session
  }

  async #requireSuccessor(old: Session): Promise<Session> {
    const next = await this.#renew(old)
    if (!mayActFor(next, old)) throw new TokenRequestError('session_ended', 'The session is over.')
    return next
  }

  /** Refreshes a session. The first tab sends the request. Without a session it starts a guest session. */
  #renew(old: Session | null): Promise<Session> {
    this.#renewing ??= this.#exclusively(async () => {
      const session = this.session
      if (session && session.accessToken !== old?.accessToken) return session
      return (session && (await this.#refresh(session))) ?? this.#startGuest()
    }).finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  /** @returns The session from then on, which may be another tab's; null where it is over */
  async #refresh(old: Session): Promise<Session | null> {
    const next = await this.#exchange(old)
    if (!this.#store.replace(old, next)) return this.session
    this.#tell(next ? 'refreshed' : 'session_ended')
    return next
  }

  /** @returns Null where the server gives no successor */
  async #exchange({ refreshToken }: Session): Promise<Session | null> {
    if (refreshToken === null) return null
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    try {
      return await this.#persist(() => this.#requestTokens(form))
    } catch (error) {
      if (isDead(error)) return null
      throw error
    }
  }

  async #startGuest(): Promise<Session> {
    if (this.#options.guests === false) throw new TokenRequestError('signed_out', 'No user is signed in.')
    const guest = await this.#persist(() => this.#requestSession({ username: 'guest', password: 'guest' }))
    if (!this.#store.replace(null, guest)) return this.session ?? guest
    this.#tell('guest_started')
    return guest
  }

  #requestSession(credentials: Record<string, string>): Promise<Session> {
    const { scope } = this.#options
    return this.#requestTokens({ grant_type: 'password', ...credentials, ...(scope ? { scope } : {}) })
  }

  /** The guest to hand over, with a token that lives: an ended one is ignored by the server, and its cart is lost. */
  async #findLiveGuest(): Promise<Session | null> {
    const { session } = this
    if (!session || !isGuest(session)) return null
    return this.#isDue(session) ? this.#refresh(session).catch(() => session) : session
  }

  async #requestTokens(form: Record<string, string>): Promise<Session> {
    const issuedAt = this.#now()
    const answer = await this.#post('/oauth2-token', { client_id: this.#options.clientId, ...form })
    const { access_token, refresh_token, expires_in } = parseTokens(answer)
    return {
      accessToken: access_token,
      refreshToken: refresh_token,
      issuedAt,
      expiresAt: issuedAt + expires_in,
    }
  }

  #post(path: string, form: Record<string, string>): Promise<unknown> {
    return post(this.#fetch, this.#options.issuer + path, form)
  }

  #persist<T>(attempt: () => Promise<T>): Promise<T> {
    return persist(attempt, () => this.#tell('retrying'))
  }

  #send(request: Request, { accessToken }: Session): Promise<Response> {
    request.headers.set('Authorization', `Bearer ${accessToken}`)
    return this.#fetch(request)
  }

  #tell(event: ClientEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event, this.session)
      } catch (error) {
        reportUncaught(error)
      }
    }
  }

  #isDue(session: Session): boolean {
    return session.refreshToken !== null && this.#secondsLeft(session) < REFRESH_AHEAD_SECONDS
  }

  #secondsLeft({ expiresAt }: Session): number {
    return expiresAt - this.#now()
  }

  #now(): number {
    return this.#options.now?.() ?? Math.floor(Date.now() / 1000)
  }
}

/** An error of a listener reaches the page's `error` event and fails no request. Safari has `reportError` since 15.4. */
function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') {
    reportError(error)
    return
  }
  setTimeout(() => {
    throw error
  })
}

export function createClient(options: ClientOptions): Client {
  return new Client(options)
}

/**
 * A dead refresh token is `invalid_grant` (RFC 6749 §5.2), and 401 `invalid_request` in OroCommerce's dialect. Where the
 * server takes none any more, the grant is unsupported.
 */
function isDead(error: unknown): boolean {
  if (!(error instanceof TokenRequestError)) return false
  const { code, status } = error
  return (
    code === 'invalid_grant' ||
    code === 'unsupported_grant_type' ||
    (code === 'invalid_request' && status === 401)
  )
}
