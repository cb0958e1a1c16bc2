import type { Context, MiddlewareHandler } from 'hono'
import { type AuthenticationOptions, requireAuthenticationOptions } from './authentication.ts'
import type { AccessTokenClaims } from './claims.ts'
import type { ClientIds } from './clients.ts'
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
  /** Replaces the `clientId` of the verifier. A function gets the context of the request. */
  clientId?: ClientIds | ((c: Context) => ClientIds | Promise<ClientIds>) | undefined
  /** True introspects the token, so that a revoked token is refused at once. It needs `introspection` of the verifier. */
  immediate?: boolean | undefined
}

/**
 * Makes a middleware that requires a valid access token for this API. It refuses other requests as RFC 6750 §3 and
 * RFC 9470 §3 define.
 *
 * @throws TypeError if `acrValues` or `maxAgeSeconds` is invalid
 */
export function requireToken(
  verifier: Pick<Verifier, 'verify'>,
  { clientId, ...demands }: RequireTokenOptions = {},
): MiddlewareHandler<TokenVariables> {
  requireAuthenticationOptions(demands)
  return async function requireToken(c, next) {
    const accepted = typeof clientId === 'function' ? await clientId(c) : clientId
    try {
      const options = { ...demands, clientId: accepted, ...findWaitUntil(c) }
      c.set('token', await verifier.verify(c.req.raw, options))
    } catch (error) {
      if (error instanceof TokenError) return error.toResponse()
      throw error
    }
    await next()
    return
  }
}

/**
 * Makes a middleware that serves the document of the API (RFC 9728) at its well-known paths. Add it to the app at the root, before a
 * middleware that refuses requests.
 *
 * @throws TypeError at a request if the verifier has no `resourceMetadata`
 */
export function resourceMetadata(verifier: Pick<Verifier, 'serveResourceMetadata'>): MiddlewareHandler {
  return async function resourceMetadata(c, next) {
    const response = verifier.serveResourceMetadata(c.req.raw)
    if (response !== null) return response
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
