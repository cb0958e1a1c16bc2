import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { ZodMiniType } from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'

/** Browsers drop a longer cookie. */
const MAX_COOKIE_CHARACTERS = 4000

interface CookieOptions<T> {
  /** With https the cookie has the prefix `__Host-` before this name. */
  name: string
  /** The path of the cookie without https. The prefix `__Host-` requires the path `/`. */
  path: string
  sameSite: 'Strict' | 'Lax'
  schema: ZodMiniType<T>
}

/**
 * A cookie with a sealed JSON value. The server stores nothing. The cookie has no Max-Age, so it ends with the browser.
 *
 * With https the cookie has the prefix `__Host-`, so another host of the domain cannot set it (RFC 6265bis §4.1.3.2). A loopback
 * address without https has neither the prefix nor `Secure`.
 */
export class SealedCookie<T> {
  readonly #sealer: TextSealer
  readonly #isSecure: boolean
  readonly #options: CookieOptions<T>

  /** @param issuer The origin that sets the cookie. */
  constructor(sealer: TextSealer, issuer: string, options: CookieOptions<T>) {
    this.#sealer = sealer
    this.#isSecure = issuer.startsWith('https:')
    this.#options = options
  }

  /** The value; null if the request has no cookie that this server sealed. */
  async read(c: Context): Promise<T | null> {
    const sealed = getCookie(c, this.#name)
    const text = sealed === undefined ? null : await this.#sealer.open(sealed)
    if (text === null) return null
    const result = this.#options.schema.safeParse(JSON.parse(text))
    return result.success ? result.data : null
  }

  /** @throws Error if the sealed value is too long for a cookie */
  async write(c: Context, value: T): Promise<void> {
    const sealed = await this.#sealer.seal(JSON.stringify(value))
    if (sealed.length > MAX_COOKIE_CHARACTERS) {
      throw new Error(`the cookie ${this.#name} would have ${sealed.length} characters`)
    }
    setCookie(c, this.#name, sealed, this.#attributes)
  }

  clear(c: Context): void {
    deleteCookie(c, this.#name, this.#attributes)
  }

  get #name(): string {
    return this.#isSecure ? `__Host-${this.#options.name}` : this.#options.name
  }

  get #attributes() {
    const { path, sameSite } = this.#options
    return { path: this.#isSecure ? '/' : path, secure: this.#isSecure, httpOnly: true, sameSite }
  }
}
