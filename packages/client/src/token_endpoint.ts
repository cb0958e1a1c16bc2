import { runWithin } from './time_limit.ts'

/** A request to the token service that failed. */
export class TokenRequestError extends Error {
  override name = 'TokenRequestError'
  /** The `error` of the response (RFC 6749 §5.2), or `unreachable` if no response arrived. */
  readonly code: string
  /** The HTTP status; 0 if no response arrived. */
  readonly status: number
  /** The value of `Retry-After` in seconds; 0 if absent. */
  readonly retryAfterSeconds: number

  constructor(code: string, message: string, { status = 0, retryAfterSeconds = 0, cause }: Details = {}) {
    super(message, { cause })
    this.code = code
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }

  /** Whether the same request can succeed later. */
  get isTemporary(): boolean {
    return this.code === UNREACHABLE || this.status === 429 || this.status >= 500
  }
}

interface Details extends ErrorOptions {
  status?: number
  retryAfterSeconds?: number
}

/** A successful response of the token endpoint (RFC 6749 §5.1). */
export interface TokenResponse {
  access_token: string
  /** Null if the server issues none. */
  refresh_token: string | null
  /** Null without the scope `openid`. */
  id_token: string | null
  expires_in: number
}

const UNREACHABLE = 'unreachable'

/** The time limit of one request, including the response body. */
export const REQUEST_LIMIT_MS = 8000

/** The waits before the retries. They end within the server's retry window of 60 s, unless timers are delayed. */
const WAITS_SECONDS = [0.5, 2, 5]

/** The longest wait between two tries. If `Retry-After` is longer, the call fails at once with that value. */
const LONGEST_WAIT_SECONDS = 8

/** A response in JSON. */
interface JsonResponse {
  response: Response
  json: unknown
}

/**
 * Posts a form. This is a simple request of CORS, so the browser sends no preflight.
 *
 * @returns The JSON of a successful response
 * @throws TokenRequestError
 */
export async function post(
  fetch: typeof globalThis.fetch,
  url: string,
  form: Record<string, string>,
): Promise<unknown> {
  const { response, json } = await request(fetch, url, form)
  if (response.ok) return json
  throw parseRefusal(response, json)
}

/** The response to a step of a sign-in: a code, or the `error` that asks for more. */
export type StepResponse =
  | { error: ''; authorization_code: string }
  | {
      error: 'insufficient_authorization'
      auth_session: string
      /** The names of the parameters that the sign-in accepts now. */
      next: string[]
      passkey_options: unknown
    }
  | { error: 'redirect_to_web' }

/** Posts a step of a sign-in. @throws TokenRequestError for other errors */
export async function postStep(
  fetch: typeof globalThis.fetch,
  url: string,
  form: Record<string, string>,
): Promise<StepResponse> {
  const { response, json } = await request(fetch, url, form)
  const {
    authorization_code,
    error,
    auth_session,
    next,
    passkey_options = null,
  } = membersOf<StepMembers>(json)
  if (response.ok && isText(authorization_code)) return { error: '', authorization_code }
  if (error === 'redirect_to_web') return { error }
  if (error === 'insufficient_authorization' && isText(auth_session) && Array.isArray(next))
    return { error, auth_session, next: next.map(String), passkey_options }
  throw parseRefusal(response, json)
}

interface StepMembers {
  authorization_code: string
  error: string
  auth_session: string
  next: string[]
  passkey_options: unknown
}

async function request(
  fetch: typeof globalThis.fetch,
  url: string,
  form: Record<string, string>,
): Promise<JsonResponse> {
  const body = new URLSearchParams(form)
  return runWithin(REQUEST_LIMIT_MS, async (signal) => {
    const response = await fetch(url, { method: 'POST', body, signal })
    const json: unknown = await response.json()
    return { response, json }
  }).catch((cause: unknown) => {
    throw unreachable(cause)
  })
}

/** @throws TokenRequestError for a response from another service, such as a captive portal */
export function parseTokens(body: unknown): TokenResponse {
  const { access_token, refresh_token = null, id_token = null, expires_in } = membersOf<TokenResponse>(body)
  const isWhole =
    isText(access_token) &&
    isTextOrNull(refresh_token) &&
    isTextOrNull(id_token) &&
    typeof expires_in === 'number'
  if (!isWhole) throw unreachable()
  return { access_token, refresh_token, id_token, expires_in }
}

/**
 * Whether the refresh token is invalid: `invalid_grant` (RFC 6749 §5.2), or 401 `invalid_request` with `errors: oro`. If
 * refresh tokens are turned off, the error is `unsupported_grant_type`.
 */
export function isRefreshTokenInvalid(error: unknown): boolean {
  if (!(error instanceof TokenRequestError)) return false
  const { code, status } = error
  return (
    code === 'invalid_grant' ||
    code === 'unsupported_grant_type' ||
    (code === 'invalid_request' && status === 401)
  )
}

/**
 * Retries temporary errors a few times. It calls `onRetry` before each retry. A retry can be minutes late, because
 * a browser delays the timers of hidden tabs. An attempt that can become wrong must check that itself.
 */
export async function persist<T>(attempt: () => Promise<T>, onRetry: () => void): Promise<T> {
  for (const seconds of WAITS_SECONDS) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TokenRequestError && error.isTemporary)) throw error
      if (error.retryAfterSeconds > LONGEST_WAIT_SECONDS) throw error
      onRetry()
      const waitSeconds = Math.max(seconds, error.retryAfterSeconds)
      await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000))
    }
  }
  return attempt()
}

function parseRefusal({ status, headers }: Response, body: unknown): TokenRequestError {
  const { error, error_description } = membersOf<{ error: string; error_description: string }>(body)
  if (!isText(error)) return unreachable()
  const retryAfterSeconds = Number(headers.get('Retry-After')) || 0
  return new TokenRequestError(error, String(error_description ?? ''), { status, retryAfterSeconds })
}

/** The message never contains the response, which may contain a token. */
function unreachable(cause?: unknown): TokenRequestError {
  return new TokenRequestError(UNREACHABLE, 'The token service gave no response.', { cause })
}

function membersOf<T>(value: unknown): Partial<Record<keyof T, unknown>> {
  return value ?? {}
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
