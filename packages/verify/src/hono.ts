import type { Context, MiddlewareHandler } from 'hono'
import { type AuthenticationOptions, requireAuthenticationOptions } from './authentication.ts'
import type { AccessTokenClaims } from './claims.ts'
import { type ClientIds, readClientIds } from './clients.ts'
import type { PasswordClaim } from './password_claims.ts'
import { TokenError } from './token_error.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

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
  clientId?: ClientIds | ((c: Context) => ClientIds | Promise<ClientIds>)
  /** True introspects the token, so that a revoked token is refused at once. It needs `introspection` of the verifier. */
  immediate?: boolean | undefined
}

/**
 * Makes a middleware that requires a valid access token for this API. It refuses other requests as RFC 6750 §3 and
 * RFC 9470 §3 define.
 *
 * @throws TypeError if `acrValues`, `maxAgeSeconds` or `clientId` is invalid. A request fails with a TypeError if the function
 * `clientId` returns no client id.
 */
export function requireToken(
  verifier: Pick<Verifier, 'verify'>,
  options: RequireTokenOptions = {},
): MiddlewareHandler<TokenVariables> {
  const { clientId: _, ...demands } = options
  requireAuthenticationOptions(demands)
  const findClients = clientFinder(options)
  return async function requireToken(c, next) {
    const clients = await findClients(c)
    try {
      c.set('token', await verifier.verify(c.req.raw, { ...demands, ...clients, ...findWaitUntil(c) }))
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

/** Checks a fixed `clientId` once. The verifier checks the result of a function at each request. */
function clientFinder(
  options: RequireTokenOptions,
): (c: Context) => Promise<Pick<VerifyOptions, 'clientId'>> {
  const { clientId } = options
  if (typeof clientId === 'function') return async (c) => ({ clientId: await clientId(c) })
  const ids = readClientIds(options)
  const fixed = ids === null ? {} : { clientId: ids }
  return async () => fixed
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
