import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { compact } from '../lib/compact.ts'

/** Browsers drop a longer cookie. */
const MAX_COOKIE_CHARACTERS = 4000

interface CookieOptions<T> {
  /** With https the cookie has the prefix `__Host-` before this name. */
  name: string
  /** The path of the cookie without https. The prefix `__Host-` requires the path `/`. */
  path: string
  sameSite: 'Strict' | 'Lax'
  schema: z.ZodMiniType<T>
}

/**
 * A cookie with a sealed JSON value. The server stores nothing. Without a Max-Age the cookie ends with the browser. The
 * sealed text contains the name of the cookie, so another cookie does not accept it.
 *
 * With https the cookie has the prefix `__Host-`, so another host of the domain cannot set it (RFC 6265bis §4.1.3.2). A loopback
 * address without https has neither the prefix nor `Secure`.
 */
export class SealedCookie<T> {
  readonly #sealer: TextSealer
  readonly #name: string
  readonly #schema: z.ZodMiniType<{ name: string; value: T }>
  /** The values of the requests in progress. Several steps of a request read a cookie. */
  readonly #read = new WeakMap<Context, Promise<T | null>>()
  readonly #attributes: { path: string; secure: boolean; httpOnly: true; sameSite: 'Strict' | 'Lax' }

  /** @param issuer The origin that sets the cookie. */
  constructor(sealer: TextSealer, issuer: string, { name, path, sameSite, schema }: CookieOptions<T>) {
    const secure = issuer.startsWith('https:')
    this.#sealer = sealer
    this.#name = secure ? `__Host-${name}` : name
    this.#schema = z.object({ name: z.literal(this.#name), value: schema })
    this.#attributes = { path: secure ? '/' : path, secure, httpOnly: true, sameSite }
  }

  /** The value; null if the request has no cookie that this server sealed for this name. */
  read(c: Context): Promise<T | null> {
    const read = this.#read.get(c) ?? this.#open(c)
    this.#read.set(c, read)
    return read
  }

  async #open(c: Context): Promise<T | null> {
    const sealed = getCookie(c, this.#name)
    const content = sealed === undefined ? null : await this.#sealer.openValue(sealed, this.#schema)
    return content?.value ?? null
  }

  /**
   * @param maxAge When the browser removes the cookie, in seconds; absent: with the end of the browser.
   * @throws Error if the sealed value is too long for a cookie
   */
  async write(c: Context, value: T, maxAge?: number): Promise<void> {
    if (!(await this.tryWrite(c, value, maxAge))) throw new Error(`the value of ${this.#name} is too long`)
  }

  /** The same. @returns false if the sealed value is too long for a cookie */
  async tryWrite(c: Context, value: T, maxAge?: number): Promise<boolean> {
    const sealed = await this.#sealer.sealValue({ name: this.#name, value })
    if (sealed.length > MAX_COOKIE_CHARACTERS) return false
    setCookie(c, this.#name, sealed, compact({ ...this.#attributes, maxAge }))
    return true
  }

  clear(c: Context): void {
    deleteCookie(c, this.#name, this.#attributes)
  }
}
