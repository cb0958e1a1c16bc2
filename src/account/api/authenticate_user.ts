import type { Context } from 'hono'
import type { ApiConfig } from '../../config/config.ts'
import { requireAccessClaims, requireTokenUser } from '../../endpoints/access_token_user.ts'
import { allowClientOrigin } from '../../http/cors.ts'
import { requireBinding, requirePresentedToken } from '../../http/presented_token.ts'
import type { RequestContext } from '../../lib/request_context.ts'
import {
  insufficientScope,
  insufficientUserAuthentication,
  invalidAccessToken,
  notAllowed,
} from '../../oauth/errors.ts'
import type { ManagementServices } from '../../services/management_services.ts'
import { TWO_FACTORS } from '../../signin/authentication_level.ts'
import { secondFactorOf } from '../../signin/second_factor.ts'
import type { SessionClaims, TokenClaims } from '../../tokens/claims.ts'
import { passwordStateOf } from '../../users/password_state.ts'
import type { StoredUser } from '../../users/user.ts'
import { FRESH_SECONDS, isEnough } from '../account_proof.ts'
import type { UserOperation } from './api_operation.ts'

/** The scope of the access tokens that the operations of a user accept. */
const ACCOUNT_SCOPE = 'account'

interface Where {
  pool: string
  services: ManagementServices
  context: RequestContext
}

/** The user of an access token, and its claims. */
export interface TokenUser {
  user: StoredUser
  claims: SessionClaims
}

/**
 * Authenticates the user of a request by a live access token of an API of the pool, which a first-party client got. A guest and a
 * client with its own token have no account.
 *
 * @throws OAuthError invalid_token, access_denied, temporarily_unavailable; StorageUnavailable, CorruptRecord
 */
export async function authenticateUser(c: Context, { pool, services, context }: Where): Promise<TokenUser> {
  const presented = requirePresentedToken(c)
  const isOfPool = ({ userPool }: ApiConfig) => userPool === pool
  const apis = [...services.config.apis.values()].filter(isOfPool)
  const claims = requireSession(await requireAccessClaims(presented.token, apis, { services, context }))
  await requireBinding(c, presented, claims, { services, now: context.now })
  await services.bursts.spend('introspections', claims.clientId, context)
  const [user, client] = await Promise.all([
    requireTokenUser(claims, services, context),
    services.clients.find(claims.clientId, context),
  ])
  if (client === null) throw invalidAccessToken('the client is unknown')
  allowClientOrigin(c, client)
  if (!client.isFirstParty) throw notAllowed(`${client.id} is no first-party client`)
  return { user, claims }
}

function requireSession({ sid, ...claims }: TokenClaims): SessionClaims {
  if (sid === null) throw invalidAccessToken('the token has no session')
  return { ...claims, sid }
}

/** @throws OAuthError insufficient_scope, access_denied, insufficient_user_authentication */
export function authorizeUser(
  { user, claims }: TokenUser,
  { needsProof, allowsRestricted }: UserOperation,
  { services: { config }, context: { now } }: Where,
): void {
  // An API that gets a token of another purpose must not change the account with it.
  if (!claims.scope.includes(ACCOUNT_SCOPE)) throw insufficientScope(ACCOUNT_SCOPE)
  if (passwordStateOf(user, config).mustChange && !allowsRestricted)
    throw notAllowed('the user must change the password')
  if (isEnough(claims, user, { isSensitive: needsProof, config, now })) return
  throw insufficientUserAuthentication({
    acrValues: secondFactorOf(user, config).isNeeded ? TWO_FACTORS : null,
    maxAgeSeconds: needsProof ? FRESH_SECONDS : null,
  })
}
