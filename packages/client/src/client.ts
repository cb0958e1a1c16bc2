import type {
  ClientEvent,
  ClientListener,
  ClientOptions,
  RedirectOptions,
  RedirectResult,
  SignInInput,
  SignInOptions,
  SignInStep,
  SignOutOptions,
} from './options.ts'
import { reportUncaught } from './page.ts'
import { RedirectFlow } from './redirect_flow.ts'
import { isGuest, mayActFor, onStorageChange, type Session, SessionStore } from './session.ts'
import { StepFlow } from './step_flow.ts'
import { readStepUp } from './step_up.ts'
import { type Exclusively, TURN_WAIT_MS, tabLock } from './tab_lock.ts'
import { unlessAborted } from './time_limit.ts'
import { isRefreshTokenInvalid, TokenRequestError } from './token_endpoint.ts'
import { TokenRequests } from './token_requests.ts'

/** An access token is refreshed in the background this long before it expires. After its expiry, requests wait. */
const REFRESH_AHEAD_SECONDS = 60

/** A younger token is not refreshed after a 401, because an API would refuse the new token too. */
const MIN_AGE_FOR_RENEWAL_SECONDS = 10

/** Signs a customer in with the form of the page. It sends the guest's access token, so that the shop can merge the guest's cart. */
export interface SignIn {
  /**
   * By username and password only.
   *
   * @throws TokenRequestError `invalid_grant` if the username or password is wrong, `insufficient_authorization` if it needs more
   */
  (username: string, password: string): Promise<Session>
  /** By steps: password, code by mail, passkey, second factor. It needs the option `backEnd`. The first input can come along. @throws TokenRequestError */
  start(options?: SignInOptions, input?: SignInInput): Promise<SignInStep>
}

/**
 * Keeps the tokens of one visitor or customer in all tabs. It refreshes them before they expire, one tab at a time. After
 * a lost response it repeats the request with the same token.
 */
export class Client {
  readonly signIn: SignIn
  readonly #options: ClientOptions
  readonly #apis: ReadonlySet<string>
  readonly #store: SessionStore
  readonly #requests: TokenRequests
  readonly #redirects: RedirectFlow
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
    this.#requests = new TokenRequests(options, () => this.#notify('retrying'))
    this.#redirects = new RedirectFlow(options, this.#requests)
    const steps = new StepFlow(options, this.#requests, (exchange) =>
      this.#exclusively(() => this.#begin(exchange)),
    )
    this.signIn = Object.assign(
      (username: string, password: string) => this.#signInByPassword(username, password),
      {
        start: async (options: SignInOptions = {}, input: SignInInput = {}) =>
          steps.start({ options, input }, await this.#exclusively(() => this.#findLiveGuest())),
      },
    )
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
    // A refresh keeps the time and the level of the sign-in.
    const isFinal = response.status !== 401 || readStepUp(response) !== null
    if (isFinal || ageSeconds < MIN_AGE_FOR_RENEWAL_SECONDS) return response
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
   * Leaves the page for the sign-in page of the token service, which returns to the redirect URI. Call `handleRedirect` there. A
   * guest's token goes along in a pushed request (RFC 9126), never in the URL.
   *
   * @throws TokenRequestError `no_storage` if the browser stores nothing for this page, and errors of the pushed request
   */
  async signInWithRedirect(options: RedirectOptions = {}): Promise<void> {
    const guest = await this.#exclusively(() => this.#findLiveGuest())
    await this.#redirects.begin(options, guest)
  }

  /**
   * Finishes a sign-in by redirect: checks `state`, `iss` and `nonce`, exchanges the code, and removes the response from the URL
   * of the page. A response without its attempt signs no user in.
   *
   * @param url The URL with the response. Default: the URL of the page.
   * @throws TokenRequestError if the client is not registered for the code flow
   */
  handleRedirect(url?: string): Promise<RedirectResult> {
    return this.#redirects.finish(url, (exchange) => this.#exclusively(() => this.#begin(exchange)))
  }

  /**
   * Removes the tokens at once, then ends the session on the server. With options it then leaves the page for the logout endpoint, which
   * ends the browser session of the token service too and returns to the redirect URI.
   *
   * @throws TokenRequestError if the revocation fails; the page stays, and the session is still live on the server
   */
  async signOut(options?: SignOutOptions): Promise<void> {
    const session = this.#forget()
    // A customer session that is stored when this tab gets the lock is from a sign-in in progress. It is removed too. A new guest
    // session stays, and a later sign-in, because the browser may have frozen this tab meanwhile.
    const latestStart = this.#now() + TURN_WAIT_MS / 1000
    const late = this.#exclusively(async () => {
      const other = this.session
      return other && !isGuest(other) && other.issuedAt <= latestStart ? this.#forget() : null
    })
    await Promise.all([this.#revoke(session), late.then((other) => this.#revoke(other))])
    if (options) this.#redirects.signOut(session, options)
  }

  #signInByPassword(username: string, password: string): Promise<Session> {
    return this.#exclusively(async () => {
      const guest = await this.#findLiveGuest()
      const visitor = guest ? { visitor_access_token: guest.accessToken } : {}
      return this.#begin(() => this.#requestSession({ username, password, ...visitor }))
    })
  }

  async #begin(request: () => Promise<Session>): Promise<Session> {
    const session = await request()
    this.#store.save(session)
    this.#notify('signed_in')
    return session
  }

  #forget(): Session | null {
    const { session } = this
    this.#store.clear()
    this.#notify('signed_out')
    return session
  }

  async #revoke(session: Session | null): Promise<void> {
    if (!session) return
    await this.#requests.persist(() => this.#requests.revoke(session))
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

  /** @returns null if the server refuses the refresh token, or if `old` is no longer stored */
  async #exchange(old: Session): Promise<Session | null> {
    const { refreshToken } = old
    if (refreshToken === null) return null
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    // A hidden tab may wake minutes late for its next try. If another tab has refreshed, the service treats the old token as stolen.
    const attempt = async () => (this.#store.holds(old) ? this.#requests.tokens(form) : null)
    try {
      return await this.#requests.persist(attempt)
    } catch (error) {
      if (isRefreshTokenInvalid(error)) return null
      throw error
    }
  }

  async #startGuest(): Promise<Session> {
    if (this.#options.guests === false) throw new TokenRequestError('signed_out', 'No user is signed in.')
    const guest = await this.#requests.persist(() =>
      this.#requestSession({ username: 'guest', password: 'guest' }),
    )
    if (!this.#store.replace(null, guest)) return this.session ?? guest
    this.#notify('guest_started')
    return guest
  }

  #requestSession(credentials: Record<string, string>): Promise<Session> {
    const { scope } = this.#options
    return this.#requests.tokens({ grant_type: 'password', ...credentials, ...(scope ? { scope } : {}) })
  }

  /** The stored guest with a valid token. The server ignores an expired token, and the cart would be lost. */
  async #findLiveGuest(): Promise<Session | null> {
    const { session } = this
    if (!session || !isGuest(session)) return null
    return this.#isDue(session) ? this.#refresh(session).catch(() => session) : session
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

export function createClient(options: ClientOptions): Client {
  return new Client(options)
}
