import type { Context, MiddlewareHandler } from 'hono'
import { type AuthenticationOptions, requireAuthenticationOptions } from './authentication.ts'
import type { AccessTokenClaims } from './claims.ts'
import type { PasswordClaim } from './password_claims.ts'
import { TokenError } from './token_error.ts'
import type { Verifier } from './verifier.ts'

/** The variables that `requireToken` sets: `c.get('token')`. */
export interface TokenVariables {
  Variables: { token: AccessTokenClaims }
}

export interface RequireTokenOptions extends AuthenticationOptions {
  /** The required scope tokens. */
  scope?: string | readonly string[]
  /** Replaces the `accept` of the verifier. */
  accept?: readonly PasswordClaim[] | undefined
}

/**
 * Makes a middleware that requires a valid access token for this API. It refuses other requests as RFC 6750 §3 and
 * RFC 9470 §3 define.
 *
 * @throws TypeError if `acrValues` or `maxAgeSeconds` is invalid
 */
export function requireToken(
  verifier: Verifier,
  { scope = [], accept, ...authentication }: RequireTokenOptions = {},
): MiddlewareHandler<TokenVariables> {
  requireAuthenticationOptions(authentication)
  return async function requireToken(c, next) {
    try {
      c.set(
        'token',
        await verifier.verify(c.req.raw, { scope, accept, ...authentication, ...findWaitUntil(c) }),
      )
    } catch (error) {
      if (error instanceof TokenError) return error.toResponse()
      throw error
    }
    await next()
    return
  }
}

/** Hono throws an error if the runtime has no execution context. */
function findWaitUntil(c: Context): { waitUntil?: (work: Promise<unknown>) => void } {
  try {
    const context = c.executionCtx
    return { waitUntil: (work) => context.waitUntil(work) }
  } catch {
    return {}
  }
}
