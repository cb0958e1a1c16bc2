import { browserSessionLimitsOf } from '../config/pool_settings.ts'
import { withSecondFactor } from '../signin/proof.ts'
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

/** The methods of a new authenticator app, whose first code was accepted (RFC 8176). */
const NEW_APP = ['otp', 'mfa'] as const

/** Adds the new app to the proof of the browser session, so that the user need not type the next code at once. */
export async function keepSecondFactor({
  c,
  pool,
  signedIn: { session },
  context,
  services,
}: UserRequest): Promise<void> {
  const { idleSeconds } = browserSessionLimitsOf(pool, services.config)
  const { amr, acr } = withSecondFactor(session, NEW_APP)
  await services.cookies
    .session(pool)
    .write(c, { ...session, amr: [...amr], acr, usedAt: context.now }, idleSeconds)
}

/** Remembers that a page has shown the cancelled deletion of the account. */
export async function forgetCancelledDeletion({
  c,
  pool,
  signedIn: { session },
  context,
  services,
}: UserRequest): Promise<void> {
  const { idleSeconds } = browserSessionLimitsOf(pool, services.config)
  const next = { ...session, cancelledDeletion: false, usedAt: context.now }
  await services.cookies.session(pool).write(c, next, idleSeconds)
}
