import type { Context } from 'hono'
import type { ApiConfig, Config } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { bearerChallenge, readBearer } from '../oauth/bearer.ts'
import type { Services } from '../services/services.ts'
import { findHolder, findMachine } from '../sessions/find_holder.ts'
import { TWO_FACTORS } from '../signin/authentication_level.ts'
import { isBelowRequiredLevel } from '../signin/second_factor.ts'
import { ACCESS_TOKEN_TYPE } from '../tokens/access_token.ts'
import type { SessionClaims, TokenClaims } from '../tokens/claims.ts'
import { InvalidToken } from '../tokens/invalid_token.ts'
import { verifyToken } from '../tokens/verify_token.ts'
import { passwordStateOf } from '../users/password_state.ts'
import {
  type Caller,
  isAllowed,
  type Operation,
  type Operator,
  ROLES,
  type ServiceAccount,
} from './operation.ts'
import { operatorOnly, Problem } from './problem.ts'

const REALM = 'sallyport-admin'

interface Where {
  api: ApiConfig
  context: RequestContext
}

/**
 * Authenticates the caller by a valid access token for the admin API: an enabled user of the operators' pool, or a
 * confidential client. The roles and scopes are read from the database, so that the removal of a right takes effect at once.
 *
 * @throws Problem 401 with a challenge (RFC 6750 §3)
 */
export async function authenticateCaller(c: Context, services: Services, where: Where): Promise<Caller> {
  const authorization = c.req.header('Authorization')
  if (authorization === undefined) throw unauthenticated('no token', bearerChallenge(REALM))
  const token = readBearer(authorization)
  if (token === null) throw invalidToken('the token is not a Bearer token')
  const claims = await requireClaims(token, services, where)
  const { sid } = claims
  return sid === null
    ? requireServiceAccount(claims, services, where)
    : requireOperator({ ...claims, sid }, services, where)
}

async function requireClaims(
  token: string,
  { config, keys }: Services,
  { api, context }: Where,
): Promise<TokenClaims> {
  const expected = { issuer: config.issuer, audience: api.audience, type: ACCESS_TOKEN_TYPE }
  try {
    return await verifyToken(token, expected, keys, context)
  } catch (error) {
    if (error instanceof InvalidToken) throw invalidToken(error.message)
    throw error
  }
}

async function requireOperator(
  claims: SessionClaims,
  services: Services,
  { api, context }: Where,
): Promise<Operator> {
  const holder = await findHolder(claims, { api, now: context.now }, services)
  if (holder === null) throw invalidToken('the token was revoked')
  const { user } = holder
  if (user === null || user.pool !== api.userPool) throw invalidToken('the user is not an operator')
  const { clientId, sid, scope, authTime, amr, acr } = claims
  if (isBelowRequiredLevel(user, { acr, amr }, services.config)) throw needsSecondFactor()
  const proof = { authTime, amr, acr }
  return { kind: 'operator', user, isAdmin: user.roles.includes('admin'), clientId, sid, scope, proof }
}

async function requireServiceAccount(
  claims: TokenClaims,
  services: Services,
  { api, context }: Where,
): Promise<ServiceAccount> {
  const { clientId, subject, scope } = claims
  if (subject !== clientId) throw invalidToken('the token is not a machine token')
  const holder = await findMachine(claims, { api, now: context.now }, services)
  if (holder === null) throw invalidToken('the token was revoked')
  const { clientScopes } = holder
  return { kind: 'service account', clientId, scope: scope.filter((name) => clientScopes.includes(name)) }
}

/** @throws Problem 403 */
export function authorize(caller: Caller, operation: Operation, config: Config): void {
  if (caller.kind === 'operator') authorizeOperator(caller, operation, config)
  else authorizeServiceAccount(caller, operation)
}

function authorizeOperator(operator: Operator, operation: Operation, config: Config): void {
  const { user } = operator
  const hasRole = ROLES.some((role) => user.roles.includes(role))
  if (!hasRole || !isAllowed(operator, operation)) {
    throw new Problem('role-missing', {
      detail: `The operation requires the role ${operation.role === 'support' ? 'support or admin' : 'admin'}.`,
    })
  }
  if (passwordStateOf(user, config).mustChange && operation.role !== 'anyone') {
    throw new Problem('password-change-required', {
      detail: 'Set a new password with POST /admin/api/me/password.',
    })
  }
}

/** The challenge names the missing scope (RFC 6750 §3.1). */
function authorizeServiceAccount({ scope }: ServiceAccount, { scope: needed }: Operation): void {
  if (needed === null) throw operatorOnly('Service accounts cannot call this operation.')
  if (scope.includes(needed)) return
  throw new Problem('scope-missing', {
    detail: `This takes the scope ${needed}.`,
    headers: { 'WWW-Authenticate': bearerChallenge(REALM, { error: 'insufficient_scope', scope: needed }) },
  })
}

function invalidToken(reason: string): Problem {
  return unauthenticated(reason, bearerChallenge(REALM, { error: 'invalid_token' }))
}

/** The operator signed in before the role or the pool required a second factor (RFC 9470 §3). */
function needsSecondFactor(): Problem {
  const challenge = { error: 'insufficient_user_authentication', acr_values: TWO_FACTORS }
  return unauthenticated('the operator needs a second factor', bearerChallenge(REALM, challenge))
}

function unauthenticated(reason: string, challenge: string): Problem {
  return new Problem('unauthenticated', { reason, headers: { 'WWW-Authenticate': challenge } })
}
