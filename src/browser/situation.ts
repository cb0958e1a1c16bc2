import type { Context } from 'hono'
import type { StartedSignUp } from '../accounts/started_sign_up.ts'
import { CREATE } from '../authorization/authorization_request.ts'
import { consentIdOf } from '../authorization/consent.ts'
import { demandsOf } from '../authorization/demands_of.ts'
import { grantableOf } from '../authorization/parse_request.ts'
import { kindOfRedirect, withoutLoopbackPort } from '../clients/redirect_uri.ts'
import { accountsOf } from '../config/pool_settings.ts'
import type { FactorRead } from '../factors/verify_second_factor.ts'
import type { PasskeyRead } from '../passkeys/sign_in_by_passkey.ts'
import { knownUser } from '../signin/known_user.ts'
import type { RequestedCode } from '../signin/mailed_codes.ts'
import type { Known } from '../signin/next_step.ts'
import type { PendingSignIn } from '../signin/pending_sign_in.ts'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import type { BrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import { readSignedIn, type SignedInUser } from './read_signed_in.ts'

/** The state of an authorization request in one browser. */
export interface Situation {
  browserRequest: BrowserRequest
  known: Known
  /** The valid browser session and its user; null if the user is not signed in. */
  signedIn: SignedInUser | null
  /** The sign-in that needs a second factor; null without one. `known.user` is then its user. */
  pending: PendingSignIn | null
  /** The code that the user has requested by mail; null without one. */
  requestedCode: RequestedCode | null
  /** The sign-up of a visitor; null before a code was requested, and without a sign-up. */
  signUp: StartedSignUp | null
  /** The token of the code that was sent as the second factor; null without one. */
  secondFactorCode: string | null
  /** The record for the check of a second factor that the form has; null without one. */
  factorRead: FactorRead | null
  /** The records for the passkey of the form, if they were read with the request. */
  passkeyRead: PasskeyRead | null
  /** The new recovery codes, which the next page shows once; null without new codes. */
  recoveryCodes: readonly string[] | null
  consentId: string | null
  /** The scopes that the user allowed the client before; empty without a valid consent. */
  consentedScopes: readonly string[]
  /** The scopes that the user allowed before and that the code gets in addition to those of the request. */
  earlierScopes: readonly string[]
  /** Tokens of the user and the consent are valid from this second. Unix seconds. */
  validFrom: number
  /** The sign-in of this HTTP request, which the guard records; null without one, and without a password. */
  signIn: VerifiedSignIn | null
  /** Whether the device of the browser can verify its user for a passkey, as the script of a page with a password reports. */
  canHavePasskey: boolean
  /** Whether this HTTP request finished the sign-in. */
  hasSignedIn: boolean
}

/**
 * Reads the browser session, its user and the consent: one call to D1 if the browser has a session. The call uses the budget
 * `refreshes` of the IP address and the client.
 *
 * @throws OAuthError too_many_attempts, StorageUnavailable, CorruptRecord
 */
export async function readSituation(
  c: Context,
  browserRequest: BrowserRequest,
  services: BrowserServices,
): Promise<Situation> {
  const { client, api, context } = browserRequest
  const query = {
    pool: api.userPool,
    budget: `authorize ${client.id}`,
    context,
    consentIdOf: (subject: string) => consentIdFor(subject, browserRequest),
  }
  return describeSituation(browserRequest, await readSignedIn(c, query, services), services)
}

/** The state of a signed-in user. */
export interface FoundState {
  signedIn: SignedInUser
  consentId: string | null
  /** Null without a valid consent. */
  consentedScopes: readonly string[] | null
  consentValidFrom: number
}

/** Describes a request for the state machine. @param state Null if the user is not signed in. */
export function describeSituation(
  browserRequest: BrowserRequest,
  state: FoundState | null,
  { config }: Pick<BrowserServices, 'config'>,
): Situation {
  const { request, client, api, context } = browserRequest
  const consented = state?.consentedScopes ?? null
  const known: Known = {
    demands: demandsOf(request),
    isOpening: false,
    user:
      state === null ? null : knownUser({ ...state, ...state.signedIn.session, ...state.signedIn }, config),
    awaitsEmailCode: false,
    signUp: startsSignUp(browserRequest, config) ? 'sign_up' : null,
    mustKeepCodes: false,
    offersPasskey: false,
    account: { isChosen: false, mustCheck: false },
    guest: { isAllowed: api.guests && client.isFirstParty, isChosen: false },
    consent: {
      isFirstParty: client.isFirstParty,
      // A consent without scopes still gives the client the user's id and roles.
      isCovered: consented !== null && request.scope.every((scope) => consented.includes(scope)),
      mustConfirm: mayReachAnotherApp(request.redirectUri, config),
      given: null,
    },
    isCancelled: false,
    problem: null,
    now: context.now,
  }
  const validFrom = Math.max(state?.consentValidFrom ?? 0, state?.signedIn.user.tokensValidFrom ?? 0)
  const { signedIn = null, consentId = null } = state ?? {}
  const noCode = { requestedCode: null, secondFactorCode: null, signUp: null, recoveryCodes: null }
  const noSignIn = { pending: null, factorRead: null, passkeyRead: null, signIn: null, hasSignedIn: false }
  const none = { ...noCode, ...noSignIn, canHavePasskey: false }
  const earlierScopes = findEarlierScopes(browserRequest, consented, config)
  const consents = { consentId, consentedScopes: consented ?? [], earlierScopes }
  return { browserRequest, known, signedIn, ...consents, validFrom, ...none }
}

/** The consented scopes that the client can still have and that the request lacks; empty for a client without `incremental_scopes`. */
function findEarlierScopes(
  { request, client, api }: BrowserRequest,
  consented: readonly string[] | null,
  { openIdEnabled }: BrowserServices['config'],
): string[] {
  if (!client.incrementalScopes || client.isFirstParty) return []
  const current = grantableOf(consented ?? [], { client, api, openIdEnabled })
  return current.filter((scope) => !request.scope.includes(scope))
}

/** The scopes of the code: the earlier ones, then those of the request. */
export function scopesOf({ browserRequest, earlierScopes }: Situation): string[] {
  return [...earlierScopes, ...browserRequest.request.scope]
}

/** Whether the request asks for a sign-up (Initiating User Registration via OpenID Connect 1.0 §4). */
function startsSignUp({ request, api }: BrowserRequest, config: BrowserServices['config']): boolean {
  return request.prompt.includes(CREATE) && accountsOf(api.userPool, config).signUp
}

/** Whether another application of the user's device could receive the response. The server itself has the origin of the issuer. */
function mayReachAnotherApp(
  redirectUri: string,
  { issuer }: Pick<BrowserServices['config'], 'issuer'>,
): boolean {
  return kindOfRedirect(redirectUri) !== 'web' && !redirectUri.startsWith(`${issuer}/`)
}

/** The consent that a user gives to the client of a request; null for a first-party client. */
export async function consentIdFor(
  subject: string,
  { request, client }: BrowserRequest,
): Promise<string | null> {
  if (client.isFirstParty) return null
  const redirectUri = withoutLoopbackPort(request.redirectUri)
  return consentIdOf({ subject, clientId: request.clientId, api: request.api, redirectUri })
}

/** The user of the pending sign-in or of the browser session; null without one. */
export function userOf({ pending, signedIn }: Situation): User | null {
  return pending?.user ?? signedIn?.user ?? null
}
