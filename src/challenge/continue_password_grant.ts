import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { findRedirectUri } from '../clients/redirect_uri.ts'
import type { Visitor } from '../sessions/end_guest_session.ts'
import { sealPending } from '../signin/pending_sign_in.ts'
import { proofBy } from '../signin/proof.ts'
import type { AuthenticatedUser } from '../users/authenticate_user.ts'
import { beginAuthSession, NOTHING_REQUESTED } from './auth_session.ts'
import { maySignInBySteps, NO_REDIRECT_URI } from './challenge_request.ts'
import type { ChallengeServices } from './challenge_services.ts'
import { secondInputs } from './offer.ts'
import { sendSecondFactor } from './send_second_factor.ts'

/** The part of a token request that its code needs. */
interface Wish {
  scope: readonly string[]
  /** The guest of `visitor_access_token`; null without one. */
  visitor: Visitor | null
}

/**
 * Begins a sign-in in steps for a token request whose password is right and whose user needs a second factor.
 *
 * @returns the `auth_session`, and the token whose row shows its use; null if the client cannot sign users in by steps, or the user must set up the factor in a browser first
 */
export async function continuePasswordGrant(
  { user, signIn }: AuthenticatedUser,
  { scope, visitor }: Wish,
  request: ClientRequest,
  services: Pick<ChallengeServices, 'authSessions' | 'config' | 'emailSecondFactor'>,
): Promise<{ authSession: string; token: string } | null> {
  const { client, api, proofKey, context } = request
  const proof = proofBy('password', user, context.now)
  const next = secondInputs(user, proof, services.config)
  if (!maySignInBySteps(request) || next.length === 0) return null
  const authorization: AuthorizationRequest = {
    clientId: client.id,
    redirectUri: findRedirectUri(client, null) ?? NO_REDIRECT_URI,
    hasRedirectUri: false,
    responseMode: 'query',
    api: api.name,
    scope: [...scope],
    visitor,
    receivedAt: context.now,
    proofKey,
    state: null,
    codeChallenge: null,
    nonce: null,
    prompt: [],
    uiLocales: [],
    maxAgeSeconds: null,
    acrLevel: 1,
    loginHint: null,
    hintedSubject: null,
  }
  const pending = sealPending({ ...proof, user, seen: signIn.seen })
  const state = { ...NOTHING_REQUESTED, username: user.username, pending, next }
  const session = beginAuthSession(authorization, state, context.now)
  const step = { request, session, sealed: null }
  const secondFactorCode = await sendSecondFactor(step, { user, next }, services)
  return {
    authSession: await services.authSessions.seal({ ...session, secondFactorCode }),
    token: session.token,
  }
}
