import { CompactEncrypt, compactDecrypt } from 'jose'

export interface ServerSessionsOptions {
  /** The URL of the token service, without a trailing slash. */
  issuer: string
  /** A confidential client with the grant `password`. */
  clientId: string
  clientSecret: string
  /** 32 random bytes that encrypt the cookie. All servers of the shop have the same ones. */
  key: Uint8Array
  fetch?: typeof globalThis.fetch
  /** The time in Unix seconds. */
  now?: () => number
}

/** The session of one request. */
export interface RequestSession {
  /** Null without a session, and if the token has expired while the token service is unavailable. */
  accessToken: string | null
  /** The `Set-Cookie` header that the response must have; null if the cookie stays as it is. */
  setCookie: string | null
}

/** `expiresAt` is in Unix seconds of this server's clock. */
interface Tokens {
  accessToken: string
  refreshToken: string
  expiresAt: number
}

const COOKIE = '__Host-session'
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Lax'
/** The default `refresh_token_lifetime` of the token service. */
const COOKIE_SECONDS = 2_592_000
/** The token of a request must outlive the rendering of its page. */
const REFRESH_AHEAD_SECONDS = 60
const REQUEST_LIMIT_MS = 8000

const NO_SESSION: RequestSession = { accessToken: null, setCookie: null }
const ENDED: RequestSession = { accessToken: null, setCookie: `${COOKIE}=; Max-Age=0; ${ATTRIBUTES}` }

/** Keeps the tokens of a user in one encrypted cookie. The scripts of the page never get them. */
export class ServerSessions {
  readonly #options: ServerSessionsOptions

  constructor(options: ServerSessionsOptions) {
    this.#options = options
  }

  /**
   * Signs a user in, or a guest with `guest` and `guest`. If the cookies have the session of a guest, the cart can be merged.
   *
   * @param cookies The header `Cookie` of the request.
   * @returns The header `Set-Cookie`; null if the username or password is wrong
   * @throws Error if the token service is unavailable or refuses the client
   */
  async signIn(username: string, password: string, cookies: string | null): Promise<string | null> {
    const { accessToken } = await this.open(cookies)
    const visitor = accessToken === null ? {} : { visitor_access_token: accessToken }
    const form = { grant_type: 'password', username, password, ...visitor }
    const response = await this.#post('/oauth2-token', form)
    const body = await readJson(response)
    if (body?.error === 'invalid_grant') return null
    const tokens = this.#parseTokens(body)
    if (!response?.ok || tokens === null)
      throw new Error(`The token service: ${response?.status ?? 'no response'}`)
    return this.#seal(tokens)
  }

  /**
   * Reads the session of a request, and refreshes it in the last minute of the access token. Parallel requests with the same
   * cookie get the same successor, so no lock is needed.
   *
   * @param cookies The header `Cookie` of the request.
   */
  async open(cookies: string | null): Promise<RequestSession> {
    const sealed = findCookie(cookies)
    if (sealed === null) return NO_SESSION
    const tokens = await this.#unseal(sealed)
    if (tokens === null) return ENDED
    const secondsLeft = tokens.expiresAt - this.#now()
    if (secondsLeft > REFRESH_AHEAD_SECONDS) return { accessToken: tokens.accessToken, setCookie: null }
    const next = await this.#refresh(tokens)
    if (next !== 'unavailable') return next
    return { accessToken: secondsLeft > 0 ? tokens.accessToken : null, setCookie: null }
  }

  /** Ends the session at the token service. @returns The header `Set-Cookie` that deletes the cookie */
  async signOut(cookies: string | null): Promise<string | null> {
    const sealed = findCookie(cookies)
    const tokens = sealed === null ? null : await this.#unseal(sealed)
    if (tokens !== null) await this.#post('/oauth2-token/revoke', { token: tokens.refreshToken })
    return ENDED.setCookie
  }

  async #refresh({ refreshToken }: Tokens): Promise<RequestSession | 'unavailable'> {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const response = await this.#post('/oauth2-token', form)
    const body = await readJson(response)
    const tokens = response?.ok ? this.#parseTokens(body) : null
    if (tokens !== null) return { accessToken: tokens.accessToken, setCookie: await this.#seal(tokens) }
    // With `errors: oro` an invalid refresh token gets 401 invalid_request.
    const isOver =
      body?.error === 'invalid_grant' || (response?.status === 401 && body?.error === 'invalid_request')
    return isOver ? ENDED : 'unavailable'
  }

  /** @returns Null if no response arrived */
  async #post(path: string, form: Record<string, string>): Promise<Response | null> {
    const { issuer, clientId, clientSecret, fetch = globalThis.fetch } = this.#options
    const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form })
    const signal = AbortSignal.timeout(REQUEST_LIMIT_MS)
    return fetch(issuer + path, { method: 'POST', body, signal }).catch(() => null)
  }

  #parseTokens(body: Record<string, unknown> | null): Tokens | null {
    const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = body ?? {}
    const isWhole =
      typeof accessToken === 'string' && typeof refreshToken === 'string' && typeof seconds === 'number'
    return isWhole ? { accessToken, refreshToken, expiresAt: this.#now() + seconds } : null
  }

  async #seal(tokens: Tokens): Promise<string> {
    const sealed = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(tokens)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(this.#options.key)
    return `${COOKIE}=${sealed}; Max-Age=${COOKIE_SECONDS}; ${ATTRIBUTES}`
  }

  /** @returns Null if the cookie was not made with this key. The encryption authenticates its content. */
  async #unseal(sealed: string): Promise<Tokens | null> {
    try {
      const { plaintext } = await compactDecrypt(sealed, this.#options.key)
      return JSON.parse(new TextDecoder().decode(plaintext))
    } catch {
      return null
    }
  }

  #now(): number {
    return this.#options.now?.() ?? Math.floor(Date.now() / 1000)
  }
}

function findCookie(cookies: string | null): string | null {
  const pairs = (cookies ?? '').split(/; */).map((pair) => pair.split('='))
  return pairs.find(([name]) => name === COOKIE)?.[1] ?? null
}

async function readJson(response: Response | null): Promise<Record<string, unknown> | null> {
  const body: unknown = await response?.json().catch(() => null)
  return typeof body === 'object' && body !== null ? { ...body } : null
}
