import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { findRedirectUri } from '../clients/redirect_uri.ts'
import type { Config } from '../config/config.ts'
import type { Visitor } from '../sessions/end_guest_session.ts'
import { sealPending } from '../signin/pending_sign_in.ts'
import { proofBy } from '../signin/proof.ts'
import type { AuthenticatedUser } from '../users/authenticate_user.ts'
import { type AuthSessions, beginAuthSession } from './auth_session.ts'
import { maySignInBySteps, NO_REDIRECT_URI } from './challenge_request.ts'
import { secondInputs } from './offer.ts'

/** The part of a token request that its code needs. */
interface Wish {
  scope: readonly string[]
  /** The guest of `visitor_access_token`; null without one. */
  visitor: Visitor | null
}

/**
 * Begins a sign-in in steps for a token request whose password is right and whose user needs a second factor.
 *
 * @returns the `auth_session`; null if the client cannot sign users in by steps, or the user must set up the factor in a browser first
 */
export async function continuePasswordGrant(
  { user, signIn }: AuthenticatedUser,
  { scope, visitor }: Wish,
  { client, api, context: { now } }: ClientRequest,
  { authSessions, config }: { authSessions: AuthSessions; config: Config },
): Promise<string | null> {
  const proof = proofBy('password', user, now)
  const next = secondInputs(user, proof, config)
  if (!maySignInBySteps(client) || next.length === 0) return null
  const authorization: AuthorizationRequest = {
    clientId: client.id,
    redirectUri: findRedirectUri(client, null) ?? NO_REDIRECT_URI,
    hasRedirectUri: false,
    responseMode: 'query',
    api: api.name,
    ...{ scope: [...scope], visitor, receivedAt: now },
    ...{ state: null, codeChallenge: null, nonce: null, prompt: [], uiLocales: [] },
    ...{ maxAgeSeconds: null, acrLevel: 1, loginHint: null, hintedSubject: null },
  }
  const pending = sealPending({ ...proof, user, seen: signIn.seen })
  const state = { username: user.username, pending, requestedCode: null, signUp: null, next }
  return authSessions.seal(beginAuthSession(authorization, state, now))
}
