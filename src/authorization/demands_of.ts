import type { IdentityScope } from '../oauth/identity_scope.ts'
import { normalizeName } from '../signin/known_user.ts'
import type { Demands } from '../signin/next_step.ts'
import type { AuthorizationRequest } from './authorization_request.ts'

const OPENID: IdentityScope = 'openid'

/** The demands of an authorization request, for the state machine. */
export function demandsOf(request: AuthorizationRequest): Demands {
  return {
    prompt: request.prompt,
    maxAgeSeconds: request.maxAgeSeconds,
    acrLevel: request.acrLevel,
    receivedAt: request.receivedAt,
    subject: request.hintedSubject,
    loginHint: request.loginHint === null ? null : normalizeName(request.loginHint),
    needsIdToken: request.scope.includes(OPENID),
  }
}
