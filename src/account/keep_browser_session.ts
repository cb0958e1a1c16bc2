import { browserSessionLimitsOf } from '../config/pool_settings.ts'
import type { User } from '../users/user.ts'
import type { UserRequest } from './account_request.ts'

/**
 * Keeps the browser session of a request after a revocation of the tokens of its user. The age of its sign-in stays. A copy of the
 * earlier cookie no longer works.
 *
 * @param user The user after the revocation.
 */
export async function keepBrowserSession(
  { tokensValidFrom }: User,
  { c, pool, signedIn, context, services }: UserRequest,
): Promise<void> {
  const { idleSeconds } = browserSessionLimitsOf(pool, services.config)
  const kept = { ...signedIn.session, keptFrom: tokensValidFrom, usedAt: context.now }
  await services.cookies.session(pool).write(c, kept, idleSeconds)
}
