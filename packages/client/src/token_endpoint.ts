import { runWithin } from './time_limit.ts'

/** A request to the token server that failed. */
export class TokenRequestError extends Error {
  override name = 'TokenRequestError'
  /** The server's `error` (RFC 6749 §5.2), or `unreachable` where there is no response of it. */
  readonly code: string
  /** Of HTTP; 0 where there is no response. */
  readonly status: number
  /** How long the server asks to wait, in seconds; 0 where it does not say. */
  readonly retryAfterSeconds: number

  constructor(code: string, message: string, { status = 0, retryAfterSeconds = 0, cause }: Details = {}) {
    super(message, { cause })
    this.code = code
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }

  /** Whether the same request may succeed later: nothing was refused. */
  get isTemporary(): boolean {
    return this.code === UNREACHABLE || this.status === 429 || this.status >= 500
  }
}

interface Details extends ErrorOptions {
  status?: number
  retryAfterSeconds?: number
}

/** A success of the token endpoint (RFC 6749 §5.1). */
export interface TokenResponse {
  access_token: string
  /** Null where the server gives none. */
  refresh_token: string | null
  expires_in: number
}

const UNREACHABLE = 'unreachable'

/** One request, from sending it to the last byte of its response. */
export const REQUEST_LIMIT_MS = 8000

/** Before the second try and so on. All tries together end within the server's retry window of 60 s. */
const WAITS_SECONDS = [0.5, 2, 5]

/** A page is never kept waiting for longer at a time: where the server asks for more, it is told so. */
const LONGEST_WAIT_SECONDS = 8

/**
 * Posts a form. From a page that is a simple request: it needs no preflight.
 *
 * @returns The JSON of a successful response
 * @throws TokenRequestError
 */
export async function post(
  fetch: typeof globalThis.fetch,
  url: string,
  form: Record<string, string>,
): Promise<unknown> {
  const body = new URLSearchParams(form)
  const { response, json } = await runWithin(REQUEST_LIMIT_MS, async (signal) => {
    const response = await fetch(url, { method: 'POST', body, signal })
    const json: unknown = await response.json()
    return { response, json }
  }).catch((cause: unknown) => {
    throw unreachable(cause)
  })
  if (response.ok) return json
  throw parseRefusal(response, json)
}

/** @throws TokenRequestError for a response from another service, such as a captive portal */
export function parseTokens(answer: unknown): TokenResponse {
  const { access_token, refresh_token = null, expires_in } = membersOf<TokenResponse>(answer)
  const isWhole =
    isText(access_token) &&
    (refresh_token === null || isText(refresh_token)) &&
    typeof expires_in === 'number'
  if (!isWhole) throw unreachable()
  return { access_token, refresh_token, expires_in }
}

/** Tries until it is refused or succeeds, a few times. `onRetry` hears of each failure that is not the last. */
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

function parseRefusal({ status, headers }: Response, answer: unknown): TokenRequestError {
  const { error, error_description } = membersOf<{ error: string; error_description: string }>(answer)
  if (!isText(error)) return unreachable()
  const retryAfterSeconds = Number(headers.get('Retry-After')) || 0
  return new TokenRequestError(error, String(error_description ?? ''), { status, retryAfterSeconds })
}

/** Never with the response itself: it may hold a token. */
function unreachable(cause?: unknown): TokenRequestError {
  return new TokenRequestError(UNREACHABLE, 'The token server gave no response.', { cause })
}

function membersOf<T>(answer: unknown): Partial<Record<keyof T, unknown>> {
  return answer ?? {}
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
