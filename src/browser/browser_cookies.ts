import type { Context } from 'hono'
import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { randomId } from '../lib/bytes.ts'
import { SealedCookie } from '../pages/sealed_cookie.ts'
import { type BrowserSession, browserSessionSchema } from '../signin/browser_session.ts'
import type { KnownDevice } from '../signin/email_codes.ts'

/** The pages of the sign-in and the account pages share the cookies. */
const COOKIE_PATH = '/'

const formSchema = z.object({ id: z.string() })
const deviceSchema = z.object({ id: z.string(), subjects: z.array(z.string()) })
const offersSchema = z.object({ subjects: z.array(z.string()) })
type PasskeyOffers = z.output<typeof offersSchema>

/**
 * The cookies of the pages: one for the browser session of each user pool, and one that binds forms to the browser. They are
 * `Lax`, because a link of a client leads to the authorization endpoint.
 */
export class BrowserCookies {
  readonly #sealer: TextSealer
  readonly #issuer: string
  readonly #form: SealedCookie<{ id: string }>
  readonly #sessions = new Map<string, SealedCookie<BrowserSession>>()

  constructor(sealer: TextSealer, issuer: string) {
    this.#sealer = sealer
    this.#issuer = issuer
    const options = {
      name: 'sallyport-form',
      path: COOKIE_PATH,
      sameSite: 'Lax',
      schema: formSchema,
    } as const
    this.#form = new SealedCookie(sealer, issuer, options)
  }

  /** The cookie of the browser session of a pool. */
  session(pool: string): SealedCookie<BrowserSession> {
    const known = this.#sessions.get(pool)
    if (known) return known
    const cookie = new SealedCookie(this.#sealer, this.#issuer, {
      name: `sallyport-${pool}`,
      path: COOKIE_PATH,
      sameSite: 'Lax',
      schema: browserSessionSchema,
    })
    this.#sessions.set(pool, cookie)
    return cookie
  }

  /** The cookie that recognizes a browser for a pool, also after a sign-out. It grants nothing. */
  device(pool: string): SealedCookie<KnownDevice> {
    return new SealedCookie(this.#sealer, this.#issuer, {
      name: `sallyport.device.${pool}`,
      path: COOKIE_PATH,
      sameSite: 'Lax',
      schema: deviceSchema,
    })
  }

  /** The users of a pool whom this browser has offered a passkey. */
  passkeyOffers(pool: string): SealedCookie<PasskeyOffers> {
    return new SealedCookie(this.#sealer, this.#issuer, {
      name: `sallyport.passkey-offer.${pool}`,
      path: COOKIE_PATH,
      sameSite: 'Lax',
      schema: offersSchema,
    })
  }

  /** The id that binds forms to this browser; null if the browser has no such cookie. */
  async readFormId(c: Context): Promise<string | null> {
    return (await this.#form.read(c))?.id ?? null
  }

  /** The same, and sets the cookie if the browser has none. */
  async requireFormId(c: Context): Promise<string> {
    const known = await this.readFormId(c)
    if (known !== null) return known
    const id = randomId(16)
    await this.#form.write(c, { id })
    return id
  }
}
