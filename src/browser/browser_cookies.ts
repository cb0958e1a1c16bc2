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

type CookieOfPool<T> = (pool: string) => SealedCookie<T>

/** Makes the cookie of each pool once, because a schema costs more than a read. */
function perPool<T>(make: CookieOfPool<T>): CookieOfPool<T> {
  const made = new Map<string, SealedCookie<T>>()
  return (pool) => {
    const cookie = made.get(pool) ?? make(pool)
    made.set(pool, cookie)
    return cookie
  }
}

/**
 * The cookies of the pages: one for the browser session of each user pool, and one that binds forms to the browser. They are
 * `Lax`, because a link of a client leads to the authorization endpoint.
 */
export class BrowserCookies {
  readonly #form: SealedCookie<{ id: string }>
  /** The cookie of the browser session of a pool. */
  readonly session: CookieOfPool<BrowserSession>
  /** The cookie that recognizes a browser for a pool, also after a sign-out. It grants nothing. */
  readonly device: CookieOfPool<KnownDevice>
  /** The users of a pool whom this browser has offered a passkey. */
  readonly passkeyOffers: CookieOfPool<PasskeyOffers>

  constructor(sealer: TextSealer, issuer: string) {
    function make<T>(name: string, schema: z.ZodMiniType<T>): SealedCookie<T> {
      return new SealedCookie(sealer, issuer, { name, path: COOKIE_PATH, sameSite: 'Lax', schema })
    }
    this.#form = make('sallyport-form', formSchema)
    this.session = perPool((pool) => make(`sallyport-${pool}`, browserSessionSchema))
    this.device = perPool((pool) => make(`sallyport.device.${pool}`, deviceSchema))
    this.passkeyOffers = perPool((pool) => make(`sallyport.passkey-offer.${pool}`, offersSchema))
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
