import { parseTokens, persist, post, TokenRequestError } from '@sallyport/client/token_endpoint'
import { CliError, UsageError } from '../core/exit_code.ts'
import { currentTime } from '../core/time.ts'
import { explain, fetchStrictly, REFRESH_AHEAD_SECONDS } from './account.ts'

interface ServiceAccountOptions {
  server: string
  clientId: string
  secret: string
  /** Called before each retry. */
  onRetry: () => void
}

/** A service account at one server. Its token stays in memory. */
export class ServiceAccount {
  readonly isOperator = false
  readonly server: string
  readonly clientId: string
  readonly #secret: string
  readonly #onRetry: () => void
  #token: { text: string; expiresAt: number } | null = null
  #requesting: Promise<string> | null = null

  constructor({ server, clientId, secret, onRetry }: ServiceAccountOptions) {
    this.server = server
    this.clientId = clientId
    this.#secret = secret
    this.#onRetry = onRetry
  }

  /** A valid access token. @throws CliError */
  async accessToken(): Promise<string> {
    const token = this.#token
    if (token !== null && token.expiresAt - currentTime() > REFRESH_AHEAD_SECONDS) return token.text
    return this.#request()
  }

  /** Requests a new token, unless a parallel call has replaced the old one. @throws CliError */
  async renew(oldAccessToken: string): Promise<string> {
    const token = this.#token
    return token !== null && token.text !== oldAccessToken ? token.text : this.#request()
  }

  #request(): Promise<string> {
    this.#requesting ??= this.#requestToken().finally(() => {
      this.#requesting = null
    })
    return this.#requesting
  }

  async #requestToken(): Promise<string> {
    const form = {
      grant_type: 'client_credentials',
      client_id: this.clientId,
      client_secret: this.#secret,
    }
    try {
      const url = `${this.server}/oauth2-token`
      const response = await persist(() => post(fetchStrictly, url, form), this.#onRetry)
      const { access_token, expires_in } = parseTokens(response)
      this.#token = { text: access_token, expiresAt: currentTime() + expires_in }
      return access_token
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof TokenRequestError) || error.isTemporary) return explain(error, this.server)
    const reason = `${this.server} refused the service account ${this.clientId}: ${error.message}`
    return new CliError('notSignedIn', `${reason} Check SALLYPORT_CLIENT_ID and SALLYPORT_CLIENT_SECRET.`)
  }
}

/**
 * Reads the credentials of a service account from the environment.
 *
 * @returns null if neither variable is set
 * @throws UsageError if only one of them is set
 */
export function findServiceCredentials(
  env: NodeJS.ProcessEnv = process.env,
): { clientId: string; secret: string } | null {
  const { SALLYPORT_CLIENT_ID: clientId, SALLYPORT_CLIENT_SECRET: secret } = env
  if (!clientId && !secret) return null
  if (clientId && secret) return { clientId, secret }
  throw new UsageError('SALLYPORT_CLIENT_ID and SALLYPORT_CLIENT_SECRET are required together')
}
