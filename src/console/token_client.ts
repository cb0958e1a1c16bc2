import type { Context } from 'hono'
import { decodeJwt } from 'jose'
import * as z from 'zod/mini'
import { TOKEN_ENDPOINT_PATH } from '../oauth/token_endpoint_path.ts'
import { newCsrfToken } from '../pages/csrf.ts'
import { CONSOLE_CLIENT } from './console_client.ts'
import type { ConsoleSession } from './console_session.ts'
import { callServer, type Server } from './server.ts'

/** The members of a token response that the console reads. */
export const tokensSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  expires_in: z.int(),
  id_token: z.optional(z.string()),
})
export type TokenResponse = z.output<typeof tokensSchema>
const pushedSchema = z.object({ request_uri: z.string() })
const errorSchema = z.object({ error: z.string() })

/** The reason why no request of the console can succeed now. */
export type Outage =
  /** The client of the console does not exist, or lacks a grant or its redirect URI. */
  | { kind: 'not_set_up' }
  /** There were too many requests, or a store does not respond. */
  | { kind: 'wait'; status: 429 | 503; retryAfterSeconds: number }

/** `refused`: the code does not work, or the session has ended. */
type Refusal = { kind: 'refused' } | Outage

/** `idToken` is null without OpenID, and for a user who must change the password. */
export type TokenOutcome = { kind: 'session'; session: ConsoleSession; idToken: string | null } | Refusal

/** The parts of a session that do not come from the token endpoint. */
type SessionMarks = Pick<ConsoleSession, 'csrfToken' | 'nonce'>

interface Exchange {
  code: string
  redirectUri: string
  verifier: string
  nonce: string
}

/** Sends the requests of the public client to the server's own endpoints. */
export class TokenClient {
  readonly #server: Server
  readonly #issuer: string

  constructor(server: Server, issuer: string) {
    this.#server = server
    this.#issuer = issuer
  }

  /** Pushes an authorization request (RFC 9126), so that a wrong client is known before the browser leaves the console. */
  async push(
    c: Context,
    parameters: Record<string, string>,
  ): Promise<{ kind: 'pushed'; requestUri: string } | Outage> {
    const response = await this.#post(c, '/oauth2-token/par', parameters)
    const body: unknown = await response.json()
    if (response.ok) return { kind: 'pushed', requestUri: pushedSchema.parse(body).request_uri }
    const refusal = judgeRefusal(response, body)
    return refusal.kind === 'wait' ? refusal : { kind: 'not_set_up' }
  }

  /** Exchanges a code. The session of an ID token of another attempt ends (OpenID Connect Core §3.1.3.7). */
  async exchange(
    c: Context,
    { code, redirectUri, verifier, nonce }: Exchange,
    now: number,
  ): Promise<TokenOutcome> {
    const grant = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }
    const outcome = await this.#request(c, grant, { marks: { csrfToken: newCsrfToken(), nonce }, now })
    if (outcome.kind !== 'session' || outcome.idToken === null) return outcome
    const claims = decodeJwt(outcome.idToken)
    if (claims.nonce === nonce && claims.aud === CONSOLE_CLIENT) return outcome
    await this.revoke(c, outcome.session)
    return { kind: 'refused' }
  }

  /** Refreshes the session. Two tabs that refresh at the same time get the same refresh token. */
  refresh(
    c: Context,
    { refreshToken, csrfToken, nonce }: ConsoleSession,
    now: number,
  ): Promise<TokenOutcome> {
    const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken }
    return this.#request(c, parameters, { marks: { csrfToken, nonce }, now })
  }

  /** Ends the session on the server. @returns false if the session may still be live */
  async revoke(c: Context, { refreshToken }: Pick<ConsoleSession, 'refreshToken'>): Promise<boolean> {
    return (await this.#post(c, '/oauth2-token/revoke', { token: refreshToken })).ok
  }

  async #request(
    c: Context,
    parameters: Record<string, string>,
    { marks, now }: { marks: SessionMarks; now: number },
  ): Promise<TokenOutcome> {
    const response = await this.#post(c, TOKEN_ENDPOINT_PATH, parameters)
    const body: unknown = await response.json()
    if (!response.ok) return judgeRefusal(response, body)
    const tokens = tokensSchema.safeParse(body)
    if (!tokens.success) return { kind: 'not_set_up' }
    const { id_token: idToken = null } = tokens.data
    return { kind: 'session', session: toSession(tokens.data, marks, now), idToken }
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
export function toSession(tokens: TokenResponse, marks: SessionMarks, now: number): ConsoleSession {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: lifetime } = tokens
  return { accessToken, refreshToken, expiresAt: now + lifetime, ...marks }
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
