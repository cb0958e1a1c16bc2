import type { Context } from 'hono'
import { accountsOf } from '../config/pool_settings.ts'
import type { Proof } from '../signin/proof.ts'
import type { User } from '../users/user.ts'
import type { BrowserServices } from './browser_services.ts'

/** How long a browser remembers its offers: the longest time that browsers keep a cookie (RFC 6265bis §5.5). */
const OFFER_SECONDS = 400 * 86_400

/** A browser remembers the offers to the last users. */
const MAX_SUBJECTS = 5

/**
 * Decides whether the sign-in offers a passkey: once in a browser, to a user without a passkey who has typed the password.
 *
 * @returns whether the next pages offer a passkey. The browser then remembers the offer
 */
export async function offerPasskey(
  c: Context,
  { user: { id, pool, hasPasskey }, amr }: Pick<Proof, 'amr'> & { user: User },
  { cookies, config }: BrowserServices,
): Promise<boolean> {
  if (hasPasskey || !amr.includes('pwd') || accountsOf(pool, config).passkeys === null) return false
  const cookie = cookies.passkeyOffers(pool)
  const { subjects = [] } = (await cookie.read(c)) ?? {}
  if (subjects.includes(id)) return false
  await cookie.write(c, { subjects: [id, ...subjects].slice(0, MAX_SUBJECTS) }, OFFER_SECONDS)
  return true
}
