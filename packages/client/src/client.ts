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
  /** The URL of the token service, without a trailing slash. */
  issuer: string
  /** The id of a public client, because a page cannot keep a secret. */
  clientId: string
  /** The APIs that get the access token. Only their origins count. */
  apis: readonly string[]
  /** The scope requested at sign-in. Default: all scopes of the client. */
  scope?: string
  /** Set to false if the API does not allow guests. */
  guests?: boolean
  /** Default: `localStorage`, which the tabs of the origin share. */
  storage?: TokenStorage
  fetch?: typeof globalThis.fetch
  /** The time in Unix seconds. Default: the browser's clock. */
  now?: () => number
}

/** A change of the session. */
export type ClientEvent =
  | 'guest_started'
  | 'signed_in'
  | 'refreshed'
  /** A response was lost, and the request is repeated. */
  | 'retrying'
  | 'signed_out'
  /** The session has ended, so the tokens cannot be refreshed. */
  | 'session_ended'
  /** Another tab changed the session. */
  | 'changed_elsewhere'

export type ClientListener = (event: ClientEvent, session: Session | null) => void

/** An access token is refreshed in the background this long before it expires. After its expiry, requests wait. */
const REFRESH_AHEAD_SECONDS = 60

/** A younger token is not refreshed after a 401, because an API would refuse the new token too. */
const MIN_AGE_FOR_RENEWAL_SECONDS = 10

/**
 * Keeps the tokens of one visitor or customer in all tabs. It refreshes them before they expire, one tab at a time. After
 * a lost response it repeats the request with the same token.
 */
export class Client {
  readonly #options: ClientOptions
  readonly #apis: ReadonlySet<string>
  readonly #store: SessionStore
  readonly #exclusively: Exclusively
  readonly #fetch: typeof globalThis.fetch
  readonly #listeners = new Set<ClientListener>()
  #renewing: Promise<Session> | null = null

  /** @throws TypeError if the issuer or an API is not a URL */
  constructor(options: ClientOptions) {
    const key = `sallyport:${options.clientId}`
    // Otherwise a wrong URL would make each request fail like a network error.
    new URL(options.issuer)
    this.#options = options
    this.#apis = new Set(options.apis.map((api) => new URL(api).origin))
    this.#store = new SessionStore(key, options.storage)
    this.#exclusively = tabLock(key)
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
    onStorageChange(key, () => this.#notify('changed_elsewhere'))
  }

  /** The stored session. Another tab can have changed it. */
  get session(): Session | null {
    return this.#store.find()
  }

  /** @returns a function that unsubscribes */
  subscribe(listener: ClientListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Calls `fetch` with the access token, only for the APIs of this client. A token that the API refuses is refreshed once. A
   * request that began with a customer's token is never sent with the token of a guest or of another customer. The signal of
   * the request also ends the wait for a token.
   *
   * @throws TypeError for any other origin
   * @throws TokenRequestError if no token is available; `session_ended` if the customer's session has ended
   */
  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const { origin } = new URL(request.url)
    if (!this.#apis.has(origin)) throw new TypeError(`${origin} is not an API of this client`)
    const session = await unlessAborted(request.signal, this.#fresh())
    const response = await this.#send(request.clone(), session)
    // Math.abs, because the clock may have been set back.
    const ageSeconds = Math.abs(this.#now() - session.issuedAt)
    if (response.status !== 401 || ageSeconds < MIN_AGE_FOR_RENEWAL_SECONDS) return response
    const renewed = await unlessAborted(
      request.signal,
      this.#renew(session).catch(() => null),
    )
    return renewed && mayActFor(renewed, session) ? this.#send(request, renewed) : response
  }

  /** Refreshes the tokens. Without a refresh token, a valid access token is kept. @throws TokenRequestError */
  async refresh(): Promise<Session> {
    const { session } = this
    const cannotRefresh = session?.refreshToken === null && this.#secondsLeft(session) > 0
    return cannotRefresh ? session : this.#renew(session)
  }

  /**
   * Signs a customer in. It sends the guest's access token, if one exists, so that the shop can merge the guest's cart.
   *
   * @throws TokenRequestError `invalid_grant` if the username or password is wrong
   */
  signIn(username: string, password: string): Promise<Session> {
    return this.#exclusively(async () => {
      const guest = await this.#findLiveGuest()
      const visitor = guest ? { visitor_access_token: guest.accessToken } : {}
      const session = await this.#requestSession({ username, password, ...visitor })
      this.#store.save(session)
      this.#notify('signed_in')
      return session
    })
  }

  /**
   * Removes the tokens at once, then ends the session on the server.
   *
   * @throws TokenRequestError if the revocation fails; the session is then still live on the server
   */
  async signOut(): Promise<void> {
    const session = this.#forget()
    // A customer session that is stored when this tab gets the lock is from a sign-in in progress. It is removed too. A new guest
    // session stays.
    const late = this.#exclusively(async () => {
      const isSignedIn = this.session !== null && !isGuest(this.session)
      return isSignedIn ? this.#forget() : null
    })
    await Promise.all([this.#revoke(session), late.then((other) => this.#revoke(other))])
  }

  #forget(): Session | null {
    const { session } = this
    this.#store.clear()
    this.#notify('signed_out')
    return session
  }

  async #revoke(session: Session | null): Promise<void> {
    if (!session) return
    const form = { client_id: this.#options.clientId, token: session.refreshToken ?? session.accessToken }
    await this.#persist(() => this.#post('/oauth2-token/revoke', form))
  }

  /** A session with a valid access token. */
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

  /** @returns the current session, possibly of another tab; null if it has ended */
  async #refresh(old: Session): Promise<Session | null> {
    const next = await this.#exchange(old)
    if (!this.#store.replace(old, next)) return this.session
    this.#notify(next ? 'refreshed' : 'session_ended')
    return next
  }

  /** @returns null if the server refuses the refresh token */
  async #exchange({ refreshToken }: Session): Promise<Session | null> {
    if (refreshToken === null) return null
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    try {
      return await this.#persist(() => this.#requestTokens(form))
    } catch (error) {
      if (isRefreshTokenInvalid(error)) return null
      throw error
    }
  }

  async #startGuest(): Promise<Session> {
    if (this.#options.guests === false) throw new TokenRequestError('signed_out', 'No user is signed in.')
    const guest = await this.#persist(() => this.#requestSession({ username: 'guest', password: 'guest' }))
    if (!this.#store.replace(null, guest)) return this.session ?? guest
    this.#notify('guest_started')
    return guest
  }

  #requestSession(credentials: Record<string, string>): Promise<Session> {
    const { scope } = this.#options
    return this.#requestTokens({ grant_type: 'password', ...credentials, ...(scope ? { scope } : {}) })
  }

  /** The stored guest with a valid token. The server ignores an expired token, and the cart would be lost. */
  async #findLiveGuest(): Promise<Session | null> {
    const { session } = this
    if (!session || !isGuest(session)) return null
    return this.#isDue(session) ? this.#refresh(session).catch(() => session) : session
  }

  async #requestTokens(form: Record<string, string>): Promise<Session> {
    const issuedAt = this.#now()
    const response = await this.#post('/oauth2-token', { client_id: this.#options.clientId, ...form })
    const { access_token, refresh_token, expires_in } = parseTokens(response)
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
    return persist(attempt, () => this.#notify('retrying'))
  }

  #send(request: Request, { accessToken }: Session): Promise<Response> {
    request.headers.set('Authorization', `Bearer ${accessToken}`)
    return this.#fetch(request)
  }

  #notify(event: ClientEvent): void {
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

/** An error of a listener reaches the page's `error` event and makes no request fail. Safari has `reportError` since 15.4. */
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
 * Whether the refresh token is invalid: `invalid_grant` (RFC 6749 §5.2), or 401 `invalid_request` with `errors: oro`. If
 * refresh tokens are turned off, the error is `unsupported_grant_type`.
 */
function isRefreshTokenInvalid(error: unknown): boolean {
  if (!(error instanceof TokenRequestError)) return false
  const { code, status } = error
  return (
    code === 'invalid_grant' ||
    code === 'unsupported_grant_type' ||
    (code === 'invalid_request' && status === 401)
  )
}
