import type { Context } from 'hono'
import type { ApiConfig, Config } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Services } from '../services/services.ts'
import { findHolder } from '../sessions/find_holder.ts'
import { ACCESS_TOKEN_TYPE } from '../tokens/access_token.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import { InvalidToken } from '../tokens/invalid_token.ts'
import { verifyToken } from '../tokens/verify_token.ts'
import { passwordStateOf } from '../users/password_state.ts'
import { isAllowed, type Operation, type Operator, ROLES } from './operation.ts'
import { Problem } from './problem.ts'

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i
const CHALLENGE = 'Bearer realm="sallyport-admin"'

/**
 * Authenticates the operator: an enabled user of the operators' pool with a valid access token for the admin API. The
 * database decides, also about the roles, so that a removed role ends its permissions at once.
 *
 * @throws Problem 401 with a challenge (RFC 6750 §3)
 */
export async function authenticateOperator(
  c: Context,
  services: Services,
  { api, context }: { api: ApiConfig; context: RequestContext },
): Promise<Operator> {
  const authorization = c.req.header('Authorization')
  if (authorization === undefined) throw unauthenticated('no token', CHALLENGE)
  const [, token] = BEARER.exec(authorization) ?? []
  if (token === undefined) throw invalidToken('not a Bearer token')
  const claims = await requireClaims(token, services, { api, context })
  if (claims.sid === null) throw invalidToken("a client's own token")
  const holder = await findHolder(claims, { api, now: context.now }, services)
  if (holder === null) throw invalidToken('it was ended')
  const { user } = holder
  if (user === null || user.pool !== api.userPool) throw invalidToken('not of an operator')
  const { clientId, sid, scope } = claims
  return { user, isAdmin: user.roles.includes('admin'), clientId, sid, scope }
}

async function requireClaims(
  token: string,
  { config, keys }: Services,
  { api, context }: { api: ApiConfig; context: RequestContext },
): Promise<TokenClaims> {
  const expected = { issuer: config.issuer, audience: api.audience, type: ACCESS_TOKEN_TYPE }
  try {
    return await verifyToken(token, expected, keys, context)
  } catch (error) {
    if (error instanceof InvalidToken) throw invalidToken(error.message)
    throw error
  }
}

/** @throws Problem 403 */
export function authorize(operator: Operator, operation: Operation, config: Config): void {
  const { user } = operator
  const hasRole = ROLES.some((role) => user.roles.includes(role))
  if (!hasRole || !isAllowed(operator, operation)) {
    throw new Problem('role-missing', {
      detail: `This takes the role ${operation.role === 'support' ? 'support or admin' : 'admin'}.`,
    })
  }
  if (passwordStateOf(user, config).mustChange && operation.role !== 'anyone') {
    throw new Problem('password-change-required', { detail: 'POST /admin/api/me/password sets a new one.' })
  }
}

function invalidToken(reason: string): Problem {
  return unauthenticated(reason, `${CHALLENGE}, error="invalid_token"`)
}

function unauthenticated(reason: string, challenge: string): Problem {
  return new Problem('unauthenticated', { reason, headers: { 'WWW-Authenticate': challenge } })
}
