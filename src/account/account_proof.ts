import { AUTHORIZATION_PATH } from '../authorization/authorization_path.ts'
import { readSignedIn, type SignedInUser } from '../browser/read_signed_in.ts'
import { accountClientIdOf } from '../clients/account_client.ts'
import { accountPathOf } from '../config/account_path.ts'
import type { Config } from '../config/config.ts'
import { levelOf, TWO_FACTORS } from '../signin/authentication_level.ts'
import { isBelowRequiredLevel, secondFactorOf } from '../signin/second_factor.ts'
import type { SessionClaims } from '../tokens/claims.ts'
import { passwordStateOf } from '../users/password_state.ts'
import type { User } from '../users/user.ts'
import type { AccountRequest } from './account_request.ts'

/** How old the sign-in can be for a page that is sensitive. */
export const FRESH_SECONDS = 600

/** The signed-in user of the pool; null without one. @throws OAuthError too_many_attempts, StorageUnavailable, CorruptRecord */
export async function findSignedIn({
  c,
  pool,
  context,
  services,
}: AccountRequest): Promise<SignedInUser | null> {
  const query = { pool, budget: `account ${pool}`, context, consentIdOf: async () => null }
  return (await readSignedIn(c, query, services))?.signedIn ?? null
}

/**
 * Whether the sign-in is enough for a page. The user must have proven a required second factor, and must have no password to change. A
 * sensitive page also needs a sign-in of the last 10 minutes, so a stranger at an unlocked browser cannot change the account. A
 * passkey is no second factor unless one is required: a user who has lost it can remove it after a sign-in by another way.
 */
export function isProven(
  { session, user }: SignedInUser,
  isSensitive: boolean,
  { context: { now }, services: { config } }: AccountRequest,
): boolean {
  if (passwordStateOf(user, config).mustChange) return false
  return isEnough(session, user, { isSensitive, config, now })
}

/** An authentication of a user. */
type Authentication = Pick<SessionClaims, 'authTime' | 'acr' | 'amr'>

/** Whether an authentication is enough for a page or an operation, apart from a password that the user must change. */
export function isEnough(
  authentication: Authentication,
  user: User,
  { isSensitive, config, now }: { isSensitive: boolean; config: Config; now: number },
): boolean {
  const { authTime, acr } = authentication
  const isFresh = authTime !== null && authTime + FRESH_SECONDS >= now
  if (isSensitive && !isFresh) return false
  if (isBelowRequiredLevel(user, authentication, config)) return false
  return levelOf(acr) === 2 || !secondFactorOf(user, config).isNeeded
}

/**
 * The URL of the sign-in that returns to a page. `max_age` keeps a sign-in of the last 10 minutes, and hides the button for guests.
 *
 * @param path The path of the page below `/account/<pool>`.
 * @param signedIn The user whose sign-in is not enough; null without one.
 */
export function signInUrl(
  path: string,
  signedIn: SignedInUser | null,
  { pool, services: { config } }: AccountRequest,
): string {
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: accountClientIdOf(pool),
    redirect_uri: config.issuer + accountPathOf(pool),
    state: stateOf(path),
    max_age: String(FRESH_SECONDS),
    ...(signedIn !== null && secondFactorOf(signedIn.user, config).isNeeded && { acr_values: TWO_FACTORS }),
  })
  return `${AUTHORIZATION_PATH}?${parameters}`
}

/** The value of `state` in the sign-in for a page. */
export function stateOf(path: string): string {
  return path === '' ? 'home' : path.slice(1)
}
