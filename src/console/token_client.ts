import type { Context } from 'hono'
import * as z from 'zod/mini'
import { newCsrfToken } from '../pages/csrf.ts'
import type { ConsoleSession } from './console_session.ts'
import { callServer, type Server } from './server.ts'

/** The public client with which operators sign in. */
export const CONSOLE_CLIENT = 'sallyport-console'

/** The members of a token response that the console reads. */
export const tokensSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  expires_in: z.int(),
})
export type TokenResponse = z.output<typeof tokensSchema>
const errorSchema = z.object({ error: z.string() })

/** The reason why the token endpoint issued no tokens. */
export type Refusal =
  /** The username or the password is wrong, or the session has ended. */
  | { kind: 'refused' }
  /** The client of the console does not exist, or it does not have the grant. */
  | { kind: 'not_set_up' }
  /** There were too many attempts, or a store does not respond. */
  | { kind: 'wait'; status: 429 | 503; retryAfterSeconds: number }

interface Credentials {
  username: string
  password: string
}

export type TokenOutcome = { kind: 'session'; session: ConsoleSession } | Refusal

/** Gets and revokes tokens as a public client of the server's own endpoints. */
export class TokenClient {
  readonly #server: Server
  readonly #issuer: string

  constructor(server: Server, issuer: string) {
    this.#server = server
    this.#issuer = issuer
  }

  signIn(c: Context, credentials: Credentials, now: number): Promise<TokenOutcome> {
    return this.#request(c, { grant_type: 'password', ...credentials }, { csrfToken: newCsrfToken(), now })
  }

  /** Refreshes the session. Two tabs that refresh at the same time get the same refresh token. */
  refresh(c: Context, { refreshToken, csrfToken }: ConsoleSession, now: number): Promise<TokenOutcome> {
    const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken }
    return this.#request(c, parameters, { csrfToken, now })
  }

  /** Ends the session on the server. @returns false if the session may still be live */
  async signOut(c: Context, { refreshToken }: ConsoleSession): Promise<boolean> {
    return (await this.#post(c, '/oauth2-token/revoke', { token: refreshToken })).ok
  }

  async #request(
    c: Context,
    parameters: Record<string, string>,
    { csrfToken, now }: { csrfToken: string; now: number },
  ): Promise<TokenOutcome> {
    const response = await this.#post(c, '/oauth2-token', parameters)
    const body: unknown = await response.json()
    if (!response.ok) return judgeRefusal(response, body)
    const tokens = tokensSchema.safeParse(body)
    if (!tokens.success) return { kind: 'not_set_up' }
    return { kind: 'session', session: toSession(tokens.data, csrfToken, now) }
  }

  #post(c: Context, path: string, parameters: Record<string, string>): Promise<Response> {
    return callServer(this.#server, c, this.#issuer + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ client_id: CONSOLE_CLIENT, ...parameters }).toString(),
    })
  }
}

/** @param now The time of the token response, in Unix seconds. */
export function toSession(tokens: TokenResponse, csrfToken: string, now: number): ConsoleSession {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: lifetime } = tokens
  return { accessToken, refreshToken, expiresAt: now + lifetime, csrfToken }
}

function judgeRefusal({ status, headers }: Response, body: unknown): Refusal {
  if (status === 429 || status >= 500) {
    const retryAfterSeconds = Number(headers.get('Retry-After') ?? 1)
    return { kind: 'wait', status: status === 429 ? 429 : 503, retryAfterSeconds }
  }
  const { data } = errorSchema.safeParse(body)
  const isOfClient = data?.error === 'invalid_client' || data?.error === 'unauthorized_client'
  return { kind: isOfClient ? 'not_set_up' : 'refused' }
}
