import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'

/** What one browser holds, sealed: nothing of it is stored here. */
export interface ConsoleSession {
  accessToken: string
  refreshToken: string
  /** When the access token ends, in Unix seconds. */
  expiresAt: number
  /** What each form of this session carries. */
  csrfToken: string
}

const sessionSchema = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresAt: z.int(),
  csrfToken: z.string(),
})

/** Browsers drop a longer cookie without a word. */
const MAX_COOKIE_CHARACTERS = 4000

/**
 * The cookie of a session. It has no Max-Age: it goes when the browser is closed.
 *
 * `__Host-` asks for Secure and Path=/, and keeps a neighbouring host from planting a cookie of its own, which a narrower
 * path would not. On a loopback address without TLS there is neither.
 */
export class SessionCookie {
  readonly #sealer: TextSealer
  readonly #isSecure: boolean

  constructor(sealer: TextSealer, issuer: string) {
    this.#sealer = sealer
    this.#isSecure = issuer.startsWith('https:')
  }

  /** Null where there is none, or one that is not ours. */
  async read(c: Context): Promise<ConsoleSession | null> {
    const sealed = getCookie(c, this.#name)
    const text = sealed === undefined ? null : await this.#sealer.open(sealed)
    if (text === null) return null
    const result = sessionSchema.safeParse(JSON.parse(text))
    return result.success ? result.data : null
  }

  async write(c: Context, session: ConsoleSession): Promise<void> {
    const sealed = await this.#sealer.seal(JSON.stringify(session))
    if (sealed.length > MAX_COOKIE_CHARACTERS) {
      throw new Error(`the tokens of an operator are too long for a cookie: ${sealed.length} characters`)
    }
    setCookie(c, this.#name, sealed, this.#attributes)
  }

  clear(c: Context): void {
    deleteCookie(c, this.#name, this.#attributes)
  }

  get #name(): string {
    return this.#isSecure ? '__Host-sallyport-console' : 'sallyport-console'
  }

  get #attributes() {
    const path = this.#isSecure ? '/' : '/console'
    return { path, secure: this.#isSecure, httpOnly: true, sameSite: 'Strict' } as const
  }
}
