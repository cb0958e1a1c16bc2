import { persist, post, TokenRequestError, type TokenResponse } from '@sallyport/client/token_endpoint'
import { CliError } from '../core/exit_code.ts'
import { currentTime } from '../core/time.ts'
import { uninterrupted } from '../core/uninterrupted.ts'
import { signInByBrowser } from '../login/browser_sign_in.ts'
import type { CredentialStore, Credentials } from './credential_store.ts'

/** The public client of the admin API that the CLI uses. Each deployment has it. */
const CLIENT_ID = 'sallyport-cli'

/** An access token with less time left is refreshed first. */
export const REFRESH_AHEAD_SECONDS = 30

interface AccountOptions {
  server: string
  store: CredentialStore
  /** Called before each retry. */
  onRetry: () => void
}

/** The stored session of the operator at one server. */
export class Account {
  readonly clientId: string = CLIENT_ID
  readonly isOperator: boolean = true
  readonly server: string
  readonly #store: CredentialStore
  readonly #onRetry: () => void

  constructor({ server, store, onRetry }: AccountOptions) {
    this.server = server
    this.#store = store
    this.#onRetry = onRetry
  }

  /** Starts a session with a password. @throws CliError */
  async signIn(username: string, password: string): Promise<void> {
    const form = { grant_type: 'password', username, password }
    await this.#begin(form).catch((error) => {
      throw explainSignIn(error, this.server)
    })
  }

  /**
   * Starts a session with the browser, and stores its tokens as `signIn` does.
   *
   * @param show Shows the URL of the sign-in page.
   * @throws CliError
   */
  async signInByBrowser(show: (url: string) => void): Promise<void> {
    await signInByBrowser(this.server, CLIENT_ID, {
      show,
      check: (request) => this.#check(request),
      exchange: (grant) =>
        this.#begin({ grant_type: 'authorization_code', ...grant }).catch((error) => {
          throw explain(error, this.server)
        }),
    })
  }

  /** Pushes the request, because the server then reports an error here and not only in the browser (RFC 9126 §2.3). */
  async #check(request: Record<string, string>): Promise<void> {
    const push = () => post(fetchStrictly, `${this.server}/oauth2-token/par`, request)
    await this.#persist(push).catch((error) => {
      throw explainRequest(error, this.server)
    })
  }

  /** Requests the tokens of a new session and stores them. It then tries to end the previous session. */
  async #begin(form: Record<string, string>): Promise<void> {
    const credentials = await this.#request(form)
    const last = await this.#store.exclusively(async () => {
      const before = await this.#store.find(this.server)
      await this.#store.save(this.server, credentials, { isCurrent: true })
      return before
    })
    if (last !== null) await this.#revoke(last).catch(() => {})
  }

  /** Replaces the stored tokens by those of a new session. @throws CliError */
  async adopt(response: unknown): Promise<void> {
    await this.#store.exclusively(async () => {
      const credentials = await this.#store.find(this.server)
      const tokens = decodeTokens(response)
      if (credentials === null || tokens === null) throw this.#signedOut()
      await this.#store.save(this.server, tokens)
    })
  }

  /** Removes the stored tokens, then ends the session on the server. @throws CliError */
  async signOut(): Promise<void> {
    const last = await this.#store.exclusively(async () => {
      const credentials = await this.#store.find(this.server)
      await this.#store.remove(this.server)
      return credentials
    })
    if (last === null) throw this.#signedOut()
    await this.#revoke(last).catch(() => {
      throw new CliError(
        'unavailable',
        `The tokens are removed here, but ${this.server} did not respond: the session is still active.`,
      )
    })
  }

  /** A valid access token. @throws CliError */
  async accessToken(): Promise<string> {
    const credentials = await this.#requireStored()
    if (credentials.expiresAt - currentTime() > REFRESH_AHEAD_SECONDS) return credentials.accessToken
    return this.renew(credentials.accessToken)
  }

  /**
   * Refreshes the access token. One command at a time sends the request; a parallel command reads the new token from the file.
   *
   * @throws CliError
   */
  renew(oldAccessToken: string): Promise<string> {
    // The server accepts the old refresh token only for a short time, so the new one must be stored.
    return this.#store.exclusively(() =>
      uninterrupted(async () => {
        const renewed = await this.#persist(() => this.#refresh(oldAccessToken)).catch((error) => {
          throw explainRefresh(error, this.server)
        })
        const stored = await this.#requireStored()
        if (stored.accessToken !== oldAccessToken) return stored.accessToken
        await this.#store.save(this.server, renewed)
        return renewed.accessToken
      }),
    )
  }

  /**
   * Sends one refresh, or returns the stored tokens if another command has changed them. That command took over the lock while
   * this process was stopped. The server would treat a late use of the old refresh token as theft.
   */
  async #refresh(oldAccessToken: string): Promise<Credentials> {
    const stored = await this.#requireStored()
    if (stored.accessToken !== oldAccessToken) return stored
    return this.#request({ grant_type: 'refresh_token', refresh_token: stored.refreshToken })
  }

  async #requireStored(): Promise<Credentials> {
    const credentials = await this.#store.find(this.server)
    if (credentials === null) throw this.#signedOut()
    return credentials
  }

  async #revoke({ refreshToken }: Credentials): Promise<void> {
    const form = { client_id: CLIENT_ID, token: refreshToken }
    await this.#persist(() => post(fetchStrictly, `${this.server}/oauth2-token/revoke`, form))
  }

  async #request(form: Record<string, string>): Promise<Credentials> {
    const response = await post(fetchStrictly, `${this.server}/oauth2-token`, {
      client_id: CLIENT_ID,
      ...form,
    })
    const tokens = decodeTokens(response)
    if (tokens === null) throw new CliError('failed', `${this.server} is not a Sallyport token service.`)
    return tokens
  }

  #persist<T>(attempt: () => Promise<T>): Promise<T> {
    return persist(attempt, this.#onRetry)
  }

  #signedOut(): CliError {
    return new CliError(
      'notSignedIn',
      `No operator is signed in at ${this.server}: ${signInHint(this.server)}`,
    )
  }
}

/** The hint names the server, because "sallyport login" alone can use another one. */
function signInHint(server: string): string {
  return `run "sallyport login --server ${server}".`
}

function decodeTokens(response: unknown): Credentials | null {
  const { access_token, refresh_token, expires_in }: Partial<Record<keyof TokenResponse, unknown>> =
    Object(response)
  const isWhole = typeof access_token === 'string' && typeof refresh_token === 'string'
  if (!isWhole || typeof expires_in !== 'number') return null
  return { accessToken: access_token, refreshToken: refresh_token, expiresAt: currentTime() + expires_in }
}

/** Like `fetch`, but refuses redirects, which could send a password or a token to another server. */
export const fetchStrictly: typeof globalThis.fetch = (input, init) =>
  globalThis.fetch(input, { ...init, redirect: 'error' })

function explainSignIn(error: unknown, server: string): unknown {
  if (!(error instanceof TokenRequestError)) return error
  if (error.code === 'invalid_grant') return new CliError('failed', 'Wrong username or password.')
  if (error.code === 'insufficient_authorization')
    return new CliError('failed', 'You need a second factor: run "sallyport login" without --username.')
  if (error.code === 'invalid_client') {
    return new CliError('failed', `${server} has no client ${CLIENT_ID}: see docs/cli.md.`)
  }
  return explain(error, server)
}

function explainRequest(error: unknown, server: string): unknown {
  if (!(error instanceof TokenRequestError) || error.isTemporary) return explain(error, server)
  const help = 'Use --username, or change the client: see docs/cli.md.'
  return new CliError('failed', `${server} has no sign-in by browser for the client ${CLIENT_ID}. ${help}`)
}

function explainRefresh(error: unknown, server: string): unknown {
  if (!(error instanceof TokenRequestError) || error.isTemporary) return explain(error, server)
  return new CliError('notSignedIn', `The session at ${server} has ended: ${signInHint(server)}`)
}

/** Converts other errors of the token endpoint. */
export function explain(error: unknown, server: string): unknown {
  if (!(error instanceof TokenRequestError)) return error
  if (error.status === 0) {
    const help = 'For another server use --server URL or set SALLYPORT_SERVER.'
    return new CliError('unavailable', `${server} gave no response. Is the server running? ${help}`)
  }
  const wait = error.retryAfterSeconds > 0 ? ` Try again in ${error.retryAfterSeconds} s.` : ''
  return new CliError(error.isTemporary ? 'unavailable' : 'failed', `${server}: ${error.message}${wait}`)
}
