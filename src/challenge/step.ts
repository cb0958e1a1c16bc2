import type { ClientRequest } from '../clients/client_request.ts'
import { chooseLanguage } from '../lib/language.ts'
import { invalidSession } from '../oauth/errors.ts'
import type { Proof } from '../signin/proof.ts'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import type { AuthSession } from './auth_session.ts'
import type { ChallengeServices } from './challenge_services.ts'

/** One request of a sign-in in steps. */
export interface Step {
  request: ClientRequest
  session: AuthSession
  /** The `auth_session` of the request; null for the first request of the sign-in, whose state no client has. */
  sealed: string | null
}

/** A user who has proven a factor in this step. */
export interface Proven extends Proof {
  user: User
  /** The failures of the account that the sign-in by password has read; null without failures or without a password. */
  seen: VerifiedSignIn['seen']
  /** Whether the check of the factor has used the `auth_session`. */
  isSpent: boolean
}

export const USED_BEFORE = 'the auth_session was used before'

/** Uses the `auth_session` of a step. The first request of a sign-in has none. @throws OAuthError invalid_session, StorageUnavailable */
export async function spend(
  { request, session, sealed }: Step,
  { authSessions }: Pick<ChallengeServices, 'authSessions'>,
): Promise<void> {
  if (sealed === null) return
  if (!(await authSessions.spend(session, request.context.now))) throw invalidSession(USED_BEFORE)
}

/** A code by mail works for one sign-in only. */
export function callerOf({ request: { client, api }, session }: Step) {
  return { pool: api.userPool, api: api.name, clientId: client.id, formId: session.id }
}

/** The language of mails. The header `Accept-Language` is that of the back end, so it does not count. */
export function languageOf({ session }: Step) {
  return chooseLanguage(session.request.uiLocales, undefined)
}
