import type { Fields } from './authorization.ts'
import type { ClientOptions } from './options.ts'
import type { Session } from './session.ts'
import { parseTokens, persist, post } from './token_endpoint.ts'

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

  /** Pushes an authorization request (RFC 9126). @returns its `request_uri`. @throws TokenRequestError */
  async push(form: Fields): Promise<string> {
    const response = await this.#post('/oauth2-token/par', form)
    return String((response as { request_uri?: unknown } | null)?.request_uri)
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
    const { issuer, clientId, fetch = globalThis.fetch } = this.#options
    // `fetch` of a browser needs the global object as `this`.
    const send: typeof fetch = (input, init) => fetch(input, init)
    return post(send, issuer + path, { client_id: clientId, ...form })
  }

  #now(): number {
    return this.#options.now?.() ?? Math.floor(Date.now() / 1000)
  }
}
