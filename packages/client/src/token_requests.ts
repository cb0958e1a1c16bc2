import type { Attempt } from './attempt_store.ts'
import { type Fields, isIdTokenOf } from './authorization.ts'
import type { ClientOptions } from './options.ts'
import type { Session } from './session.ts'
import {
  parseTokens,
  persist,
  post,
  postStep,
  type StepResponse,
  TokenRequestError,
} from './token_endpoint.ts'

/** The requests of one client to the token service. */
export class TokenRequests {
  readonly #options: ClientOptions
  readonly #onRetry: () => void

  /** @param onRetry Called before each retry. */
  constructor(options: ClientOptions, onRetry: () => void) {
    this.#options = options
    this.#onRetry = onRetry
  }

  /** @throws TokenRequestError */
  async tokens(form: Fields): Promise<Session> {
    const issuedAt = this.#now()
    const { access_token, refresh_token, id_token, expires_in } = parseTokens(
      await this.#post('/oauth2-token', form),
    )
    return {
      accessToken: access_token,
      refreshToken: refresh_token,
      idToken: id_token,
      issuedAt,
      expiresAt: issuedAt + expires_in,
    }
  }

  /**
   * Exchanges the code of an attempt. The request is not repeated after a lost response: a code that the service receives twice ends its
   * session.
   *
   * @throws TokenRequestError
   */
  async exchange(attempt: Attempt, code: string): Promise<Session> {
    const { redirectUri, verifier } = attempt
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier }
    const session = await this.tokens(redirectUri ? { ...form, redirect_uri: redirectUri } : form)
    if (!session.idToken || isIdTokenOf(attempt, session.idToken, this.#options.clientId)) return session
    await this.revoke(session).catch(() => {})
    throw new TokenRequestError('invalid_grant', 'The ID token belongs to another attempt.')
  }

  /** Pushes an authorization request (RFC 9126). @returns its `request_uri`. @throws TokenRequestError */
  async push(form: Fields): Promise<string> {
    const response = await this.#post('/oauth2-token/par', form)
    return String((response as { request_uri?: unknown } | null)?.request_uri)
  }

  /** Sends a step of a sign-in in the form of the shop. @throws TokenRequestError */
  challenge(form: Fields): Promise<StepResponse> {
    return this.#send(postStep, '/oauth2-token/challenge', form)
  }

  /** Ends a session on the server. @throws TokenRequestError */
  async revoke({ refreshToken, accessToken }: Session): Promise<void> {
    await this.#post('/oauth2-token/revoke', { token: refreshToken ?? accessToken })
  }

  /** Retries temporary errors. */
  persist<T>(attempt: () => Promise<T>): Promise<T> {
    return persist(attempt, this.#onRetry)
  }

  #post(path: string, form: Fields): Promise<unknown> {
    return this.#send(post, path, form)
  }

  #send<T>(
    send: (fetch: typeof globalThis.fetch, url: string, form: Fields) => Promise<T>,
    path: string,
    form: Fields,
  ): Promise<T> {
    const { issuer, backEnd = issuer, clientId, fetch = globalThis.fetch } = this.#options
    // `fetch` of a browser needs the global object as `this`.
    const unbound: typeof fetch = (input, init) => fetch(input, init)
    return send(unbound, backEnd + path, { client_id: clientId, ...form })
  }

  #now(): number {
    return this.#options.now?.() ?? Math.floor(Date.now() / 1000)
  }
}
