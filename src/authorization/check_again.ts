import type { AuthorizationFailure } from '../oauth/authorization_failure.ts'
import { AuthorizationError } from './authorization_error.ts'
import type { AuthorizationRequest } from './authorization_request.ts'
import { grantableOf, needsPkce, type ScopeHolder } from './parse_request.ts'

/**
 * Checks a sealed request against its client of now, because an operator can change the client while a page is open.
 *
 * @returns the request without the scopes that the client lost, and without the guest if the client is no longer first-party
 * @throws AuthorizationError if the client could not send this request now
 */
export function checkAgain(request: AuthorizationRequest, holder: ScopeHolder): AuthorizationRequest {
  const fail = (failure: AuthorizationFailure): never => {
    throw new AuthorizationError(failure, request)
  }
  const { client } = holder
  if (!client.grants.includes('authorization_code')) fail('no_code_grant')
  if (request.codeChallenge === null && needsPkce(holder)) fail('no_code_challenge')
  const scope = grantableOf(request.scope, holder)
  if (scope.length === 0 && request.scope.length > 0) fail('scope')
  return { ...request, scope, visitor: client.isFirstParty ? request.visitor : null }
}
