import type { Context } from 'hono'
import type { ApiConfig, Config } from '../config/config.ts'
import { requireAccessClaims } from '../endpoints/access_token_user.ts'
import { requireBinding, requirePresentedToken } from '../http/presented_token.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { tokenChallenge } from '../oauth/bearer.ts'
import { OAuthError } from '../oauth/errors.ts'
import type { ManagementServices } from '../services/management_services.ts'
import { findHolder, findMachine } from '../sessions/find_holder.ts'
import { TWO_FACTORS } from '../signin/authentication_level.ts'
import { isBelowRequiredLevel } from '../signin/second_factor.ts'
import type { SessionClaims, TokenClaims } from '../tokens/claims.ts'
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
export async function authenticateCaller(
  c: Context,
  services: ManagementServices,
  where: Where,
): Promise<Caller> {
  const claims = await requireClaims(c, services, where).catch((error) => {
    throw error instanceof OAuthError ? toProblem(error) : error
  })
  const { sid } = claims
  return sid === null
    ? requireServiceAccount(claims, services, where)
    : requireOperator({ ...claims, sid }, services, where)
}

/** @throws OAuthError invalid_token, StorageUnavailable */
async function requireClaims(
  c: Context,
  services: ManagementServices,
  { api, context }: Where,
): Promise<TokenClaims> {
  const presented = requirePresentedToken(c)
  const claims = await requireAccessClaims(presented.token, [api], { services, context })
  await requireBinding(c, presented, claims, { services, now: context.now })
  return claims
}

function toProblem({ refusal, reason }: OAuthError): Problem {
  return refusal.kind === 'missing_access_token'
    ? unauthenticated(reason, tokenChallenge(undefined, REALM))
    : invalidToken(reason)
}

async function requireOperator(
  claims: SessionClaims,
  services: ManagementServices,
  { api, context }: Where,
): Promise<Operator> {
  const holder = await findHolder(claims, { api, now: context.now }, services)
  if (holder === null) throw invalidToken('the token was revoked')
  const { user } = holder
  if (user === null || user.pool !== api.userPool) throw invalidToken('the user is not an operator')
  const { clientId, sid, scope, authTime, amr, acr, keyThumbprint: proofKey } = claims
  if (isBelowRequiredLevel(user, { acr, amr }, services.config)) throw needsSecondFactor()
  const proof = { authTime, amr, acr }
  return {
    kind: 'operator',
    user,
    isAdmin: user.roles.includes('admin'),
    clientId,
    sid,
    scope,
    proof,
    proofKey,
  }
}

async function requireServiceAccount(
  claims: TokenClaims,
  services: ManagementServices,
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
    headers: {
      'WWW-Authenticate': tokenChallenge(undefined, REALM, { error: 'insufficient_scope', scope: needed }),
    },
  })
}

function invalidToken(reason: string): Problem {
  return unauthenticated(reason, tokenChallenge(undefined, REALM, { error: 'invalid_token' }))
}

/** The operator signed in before the role or the pool required a second factor (RFC 9470 §3). */
function needsSecondFactor(): Problem {
  const challenge = { error: 'insufficient_user_authentication', acr_values: TWO_FACTORS }
  return unauthenticated('the operator needs a second factor', tokenChallenge(undefined, REALM, challenge))
}

function unauthenticated(reason: string, challenge: string): Problem {
  return new Problem('unauthenticated', { reason, headers: { 'WWW-Authenticate': challenge } })
}
