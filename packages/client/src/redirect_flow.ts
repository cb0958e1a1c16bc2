import { type Attempt, AttemptStore } from './attempt_store.ts'
import {
  type AuthorizationResponse,
  type Fields,
  isTemporaryError,
  newAttempt,
  readResponse,
  requestFor,
  withoutQuery,
  withoutResponse,
} from './authorization.ts'
import type { ClientOptions, RedirectOptions, RedirectResult, SignOutOptions } from './options.ts'
import { currentUrl, leaveFor, showAddress } from './page.ts'
import type { Session } from './session.ts'
import { TokenRequestError } from './token_endpoint.ts'
import type { TokenRequests } from './token_requests.ts'

/** Runs the exchange of a code and stores its session. */
type Begin = (exchange: () => Promise<Session>) => Promise<Session>

/** Sign-in and sign-out on the pages of the token service. */
export class RedirectFlow {
  readonly #options: ClientOptions
  readonly #attempts: AttemptStore
  readonly #requests: TokenRequests

  constructor(options: ClientOptions, requests: TokenRequests) {
    this.#options = options
    this.#attempts = new AttemptStore(options.clientId, options.attemptStorage)
    this.#requests = requests
  }

  /** Leaves the page for the sign-in page. @throws TokenRequestError */
  async begin(options: RedirectOptions, guest: Session | null): Promise<void> {
    const { redirectUri = withoutQuery(currentUrl()), returnTo = null } = options
    const attempt = newAttempt(redirectUri, returnTo)
    const request = await requestFor(attempt, { scope: this.#options.scope, ...options })
    const address = guest ? await this.#push(request, guest) : request
    this.#attempts.save(attempt)
    this.#leaveFor('/oauth2-token/authorize', address)
  }

  /** Finishes an attempt by its response. @throws TokenRequestError if no attempt of this client can succeed */
  async finish(url: string | undefined, begin: Begin): Promise<RedirectResult> {
    const address = new URL(url ?? currentUrl())
    const response = readResponse(address)
    if (!response) return { kind: 'none' }
    if (url === undefined) showAddress(withoutResponse(address))
    const attempt = this.#attempts.take(response.state)
    if (!attempt) return { kind: 'retry', reason: 'unknown_attempt', returnTo: null }
    return this.#use(attempt, response, begin)
  }

  /** Leaves the page for the logout endpoint (RP-Initiated Logout §2). With the ID token, the service does not ask the user. */
  signOut(session: Session | null, { redirectUri }: SignOutOptions): void {
    const hint: Fields = session?.idToken ? { id_token_hint: session.idToken } : {}
    this.#leaveFor('/oauth2-token/logout', { post_logout_redirect_uri: redirectUri, ...hint })
  }

  #leaveFor(path: string, parameters: Fields): void {
    const { issuer, clientId, navigate = leaveFor } = this.#options
    navigate(`${issuer}${path}?${new URLSearchParams({ client_id: clientId, ...parameters })}`)
  }

  /** Sends the token of a guest in a pushed request, because logs and the browser history store addresses. */
  async #push(request: Fields, { accessToken }: Session): Promise<Fields> {
    const form = { ...request, visitor_access_token: accessToken }
    return { request_uri: await this.#requests.persist(() => this.#requests.push(form)) }
  }

  async #use(
    attempt: Attempt,
    { issuer, error, code }: AuthorizationResponse,
    begin: Begin,
  ): Promise<RedirectResult> {
    const { returnTo } = attempt
    // The code of another server must not reach this one (RFC 9207 §2.4).
    if (issuer !== this.#options.issuer) return { kind: 'retry', reason: 'wrong_issuer', returnTo }
    if (error) return { ...describeError(error), returnTo }
    try {
      const session = await begin(() => this.#requests.exchange(attempt, code))
      return { kind: 'signed_in', session, returnTo }
    } catch (failure) {
      if (!(failure instanceof TokenRequestError && canRetry(failure))) throw failure
      return { kind: 'retry', reason: failure.code, returnTo }
    }
  }
}

function describeError(
  error: string,
): { kind: 'retry'; reason: string } | { kind: 'refused'; error: string } {
  return isTemporaryError(error) ? { kind: 'retry', reason: error } : { kind: 'refused', error }
}

/** Whether an attempt with a new code can succeed. */
function canRetry({ code, isTemporary }: TokenRequestError): boolean {
  return isTemporary || code === 'invalid_grant'
}
