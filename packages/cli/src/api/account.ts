import { persist, post, TokenRequestError, type TokenResponse } from '../../../client/src/token_endpoint.ts'
import { CliError } from '../core/exit_code.ts'
import { currentTime } from '../core/time.ts'
import { uninterrupted } from '../core/uninterrupted.ts'
import type { CredentialStore, Credentials } from './credential_store.ts'

/** A public client of the admin API, which every deployment has by this name. */
export const CLIENT_ID = 'sallyport-cli'

/** An access token that has less left is not sent any more. */
const REFRESH_AHEAD_SECONDS = 30

interface AccountOptions {
  server: string
  store: CredentialStore
  /** Hears that a response was lost and is asked for again. */
  onRetry: () => void
}

/** Who is signed in at one server, by tokens of its token endpoint. */
export class Account {
  readonly server: string
  readonly #store: CredentialStore
  readonly #onRetry: () => void

  constructor({ server, store, onRetry }: AccountOptions) {
    this.server = server
    this.#store = store
    this.#onRetry = onRetry
  }

  /** A session from before is ended, as far as the server can be told. @throws CliError */
  async signIn(username: string, password: string): Promise<void> {
    const form = { grant_type: 'password', username, password }
    const credentials = await this.#request(username, form).catch((error) => {
      throw explainSignIn(error, this.server)
    })
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
      await this.#store.save(this.server, { username: credentials.username, ...tokens })
    })
  }

  /** Forgets the tokens here, then ends the session there. @throws CliError */
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
        `Forgotten here, but ${this.server} could not be told: the session lives on.`,
      )
    })
  }

  /** An access token that lives. @throws CliError */
  async accessToken(): Promise<string> {
    const credentials = await this.#store.find(this.server)
    if (credentials === null) throw this.#signedOut()
    if (credentials.expiresAt - currentTime() > REFRESH_AHEAD_SECONDS) return credentials.accessToken
    return this.renew(credentials.accessToken)
  }

  /**
   * Another access token in place of an old one. One command at a time asks for it; the next finds it in the file.
   *
   * @throws CliError
   */
  renew(oldAccessToken: string): Promise<string> {
    return this.#store.exclusively(async () => {
      const credentials = await this.#store.find(this.server)
      if (credentials === null) throw this.#signedOut()
      const { username, refreshToken } = credentials
      if (credentials.accessToken !== oldAccessToken) return credentials.accessToken
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
      // A successor that is not stored is lost, and the old token is worth nothing soon after.
      return uninterrupted(async () => {
        const renewed = await this.#persist(() => this.#request(username, form)).catch((error) => {
          throw explainRefresh(error, this.server)
        })
        await this.#store.save(this.server, renewed)
        return renewed.accessToken
      })
    })
  }

  async #revoke({ refreshToken }: Credentials): Promise<void> {
    const form = { client_id: CLIENT_ID, token: refreshToken }
    await this.#persist(() => post(fetchStrictly, `${this.server}/oauth2-token/revoke`, form))
  }

  async #request(username: string, form: Record<string, string>): Promise<Credentials> {
    const response = await post(fetchStrictly, `${this.server}/oauth2-token`, {
      client_id: CLIENT_ID,
      ...form,
    })
    const tokens = decodeTokens(response)
    if (tokens === null) throw new CliError('failed', `What responses at ${this.server} is no token service.`)
    return { username, ...tokens }
  }

  #persist<T>(attempt: () => Promise<T>): Promise<T> {
    return persist(attempt, this.#onRetry)
  }

  #signedOut(): CliError {
    return new CliError('notSignedIn', `Nobody is signed in at ${this.server}: ${signInHint(this.server)}`)
  }
}

/** By name, as "sallyport login" alone may go to another server. */
function signInHint(server: string): string {
  return `run "sallyport login --server ${server}".`
}

function decodeTokens(response: unknown): Omit<Credentials, 'username'> | null {
  const { access_token, refresh_token, expires_in }: Partial<Record<keyof TokenResponse, unknown>> =
    Object(response)
  const isWhole = typeof access_token === 'string' && typeof refresh_token === 'string'
  if (!isWhole || typeof expires_in !== 'number') return null
  return { accessToken: access_token, refreshToken: refresh_token, expiresAt: currentTime() + expires_in }
}

/** A redirect would carry a password or a token elsewhere. */
export const fetchStrictly: typeof globalThis.fetch = (input, init) =>
  globalThis.fetch(input, { ...init, redirect: 'error' })

function explainSignIn(error: unknown, server: string): unknown {
  if (!(error instanceof TokenRequestError)) return error
  if (error.code === 'invalid_grant') return new CliError('failed', 'The username or the password is wrong.')
  if (error.code === 'invalid_client') {
    return new CliError('failed', `${server} has no client ${CLIENT_ID}: docs/cli.md says how it gets one.`)
  }
  return explain(error, server)
}

function explainRefresh(error: unknown, server: string): unknown {
  if (!(error instanceof TokenRequestError) || error.isTemporary) return explain(error, server)
  return new CliError('notSignedIn', `The session at ${server} has ended: ${signInHint(server)}`)
}

/** Whatever else the token endpoint says. */
function explain(error: unknown, server: string): unknown {
  if (!(error instanceof TokenRequestError)) return error
  if (error.status === 0) {
    const help = 'For another server use --server URL or set SALLYPORT_SERVER.'
    return new CliError('unavailable', `${server} gave no response. ${help}`)
  }
  const wait = error.retryAfterSeconds > 0 ? ` Try again in ${error.retryAfterSeconds} s.` : ''
  return new CliError(error.isTemporary ? 'unavailable' : 'failed', `${server}: ${error.message}${wait}`)
}
