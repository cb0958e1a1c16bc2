import { type AcrLevel, levelOf } from './authentication_level.ts'
import { hasProvenPasskey } from './describe_methods.ts'
import type { Proof } from './proof.ts'
import type { SecondFactor } from './second_factor.ts'
import type { SignInProblem } from './sign_in_problem.ts'
import { usableFactors } from './usable_factors.ts'

/** The state of the sign-in for an authorization request. Times are Unix seconds. */
export interface Known {
  demands: Demands
  /** Whether this call is the first one for the request, so that no sign-in for it exists yet. */
  isOpening: boolean
  /** The user who has proven the first factor; null before. */
  user: KnownUser | null
  /** Whether the user has requested a code by mail in place of a password, and has not yet entered it. */
  awaitsEmailCode: boolean
  /** The page of a visitor who creates an account; null without a sign-up. */
  signUp: SignUpStep | null
  /** Whether the user must confirm that the new recovery codes are kept. */
  mustKeepCodes: boolean
  /** Whether the page after this sign-in offers a passkey, which the user can refuse. */
  offersPasskey: boolean
  account: {
    /** Whether the user chose this account for this request: by a sign-in or by a button. */
    isChosen: boolean
    /** Whether the server refused the last form, so that the user must check the account. */
    mustCheck: boolean
  }
  guest: {
    /** Whether the API has guests and the client is a first-party client. */
    isAllowed: boolean
    isChosen: boolean
  }
  consent: {
    isFirstParty: boolean
    /** Whether an earlier consent of the user exists and covers every requested scope. */
    isCovered: boolean
    /** Whether another application of the device could receive the code, so that the user must always confirm (RFC 8252 §8.6). */
    mustConfirm: boolean
    /** The decision of the user; null before the decision. */
    given: boolean | null
  }
  /** Whether the user pressed Cancel. */
  isCancelled: boolean
  /** Why the last input was not accepted; null if it was. */
  problem: SignInProblem | null
  now: number
}

/** The demands of the authorization request. */
export interface Demands {
  /** `none`: no page may be shown. The other values demand a page. */
  prompt: readonly string[]
  maxAgeSeconds: number | null
  /** The level of authentication that `acr_values` demands (RFC 9470 §4). */
  acrLevel: AcrLevel
  /** When the server first received the request. */
  receivedAt: number
  /** The only user who may sign in; null for any user. */
  subject: string | null
  /** The name of the account that the application proposes, normalised if it is a possible username; null without a proposal. */
  loginHint: string | null
  /** Whether the response must contain an ID token, which guests do not get. */
  needsIdToken: boolean
}

/** A user who has proven the first factor. Without a required second factor the sign-in is pending. */
export interface KnownUser extends Proof {
  subject: string
  /** The normalised names by which an application can propose this account. */
  names: readonly string[]
  secondFactor: Omit<SecondFactor, 'isRequired'>
  /** Whether the user must set a new password before anything else. */
  mustChangePassword: boolean
}

/** An input of the user, checked against the stores. */
export type Given =
  | { kind: 'password'; user: KnownUser }
  | { kind: 'requested_email_code' }
  | { kind: 'email_code'; user: KnownUser }
  /** A visitor creates an account. The input led to this page. */
  | { kind: 'sign_up'; step: SignUpStep }
  | { kind: 'passkey'; user: KnownUser }
  | { kind: 'second_factor'; user: KnownUser }
  /** The first code of a new authenticator app. The user then sees the recovery codes. */
  | { kind: 'new_second_factor'; user: KnownUser }
  | { kind: 'kept_codes' }
  /** The user added the offered passkey, or refused the offer. */
  | { kind: 'passkey_offer' }
  | { kind: 'account'; isKept: boolean }
  | { kind: 'guest' }
  | { kind: 'new_password'; user: KnownUser }
  | { kind: 'consent'; isAllowed: boolean }
  | { kind: 'cancel' }
  /** The input of a page was not accepted. */
  | { kind: 'refused'; step: Step; problem: SignInProblem }

/** The pages of a sign-up, in their order: the address, the code in the mail, the password. */
export const SIGN_UP_STEPS = ['sign_up', 'sign_up_code', 'create_account'] as const
export type SignUpStep = (typeof SIGN_UP_STEPS)[number]

/** The time after the sign-in for which an offer of a passkey is valid: that of a sensitive account page. */
const OFFER_SECONDS = 600

/** A page that the user must see. */
export const STEPS = [
  ...(['sign_in', 'email_code', 'select_account'] as const),
  ...SIGN_UP_STEPS,
  ...(['second_factor', 'email_second_factor', 'set_up_second_factor', 'recovery_codes'] as const),
  ...(['add_passkey'] as const),
  ...(['change_password', 'consent'] as const),
] as const
export type Step = (typeof STEPS)[number]

/**
 * The errors of OpenID Connect Core §3.1.2.6, and a refused consent (RFC 6749 §4.1.2.1). `acr_values`: the user cannot reach the
 * demanded level.
 */
export type SignInError =
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'access_denied'
  | 'acr_values'

export type NextStep =
  | { kind: 'show'; step: Step; problem: SignInProblem | null; offersGuest: boolean }
  | { kind: 'fail'; error: SignInError }
  /** `user` is null for a guest. */
  | { kind: 'done'; user: KnownUser | null }

/** Adds an input to the state. */
export function advance(known: Known, given: Given): Known {
  const next = { ...known, problem: null }
  switch (given.kind) {
    case 'password':
    case 'email_code':
    case 'passkey':
    case 'new_password':
      return {
        ...next,
        isOpening: false,
        awaitsEmailCode: false,
        signUp: null,
        user: given.user,
        account: { isChosen: true, mustCheck: false },
      }
    case 'requested_email_code':
      return { ...next, awaitsEmailCode: true, user: null }
    case 'sign_up':
      return { ...next, awaitsEmailCode: false, signUp: given.step }
    case 'second_factor':
      return { ...next, user: given.user }
    case 'new_second_factor':
      return { ...next, user: given.user, mustKeepCodes: true }
    case 'kept_codes':
      return { ...next, mustKeepCodes: false }
    case 'passkey_offer':
      return { ...next, offersPasskey: false }
    case 'account':
      if (!given.isKept) return { ...next, awaitsEmailCode: false, signUp: null, user: null }
      return { ...next, signUp: null, account: { isChosen: true, mustCheck: false } }
    case 'guest':
      return { ...next, guest: { ...known.guest, isChosen: true } }
    case 'consent':
      return { ...next, consent: { ...known.consent, given: given.isAllowed } }
    case 'cancel':
      return { ...next, isCancelled: true }
    case 'refused':
      return { ...next, problem: given.problem, user: given.step === 'sign_in' ? null : known.user }
  }
}

/** Decides the next step of a sign-in. It does no I/O. */
export function nextStep(known: Known): NextStep {
  const { user, demands, consent, guest } = known
  if (known.isCancelled) return fail('access_denied')
  if (guest.isChosen && mayBeGuest(known)) return { kind: 'done', user: null }
  if (known.signUp !== null && (user === null || !known.account.mustCheck))
    return show(known.signUp, 'login_required', known)
  if (user !== null && isSilentStranger(known)) return fail('consent_required')
  if (user === null || !isFresh(user, known))
    return show(known.awaitsEmailCode ? 'email_code' : 'sign_in', 'login_required', known)
  if (demands.subject !== null && demands.subject !== user.subject)
    return show('sign_in', 'login_required', { ...known, problem: { kind: 'other_account' } })
  if (mustChoose(user, known)) return show('select_account', 'login_required', known)
  if (isPending(user, demands)) return nextFactor(user, known)
  if (known.mustKeepCodes) return show('recovery_codes', 'interaction_required', known)
  if (user.mustChangePassword) return show('change_password', 'interaction_required', known)
  if (known.offersPasskey && isRecent(user, known)) return show('add_passkey', 'interaction_required', known)
  if (consent.given === false) return fail('access_denied')
  if (consent.given === null && needsConsent(known)) {
    const hasMissing = !consent.isFirstParty && !consent.isCovered
    return show('consent', hasMissing ? 'consent_required' : 'interaction_required', known)
  }
  return { kind: 'done', user }
}

/** Whether the user must prove a second factor before the sign-in is finished. */
export function isPending(
  { acr, amr, secondFactor }: Pick<KnownUser, 'acr' | 'amr' | 'secondFactor'>,
  { acrLevel }: Pick<Demands, 'acrLevel'>,
): boolean {
  if (secondFactor.mustBePasskey && !hasProvenPasskey({ amr })) return true
  return levelOf(acr) < (secondFactor.isNeeded ? 2 : acrLevel)
}

/**
 * The page of the second factor. A user without one sets it up only just after the first factor, so that an unlocked browser of
 * another user is not enough.
 */
function nextFactor(user: KnownUser, known: Known): NextStep {
  const { mustBePasskey, hasPasskey } = user.secondFactor
  // The sign-in ends with a new passkey, which an unlocked browser of another user must not get.
  if (mustBePasskey && !hasPasskey && !isForRequest(user, known))
    return show('sign_in', 'interaction_required', known)
  const usable = usableFactors(user)
  if (usable.app || usable.passkey) return show('second_factor', 'interaction_required', known)
  // After a code by mail, a second one would be the same factor.
  if (user.secondFactor.isByEmail)
    return show(hasPassword(user) ? 'email_second_factor' : 'sign_in', 'interaction_required', known)
  const { allowsApp, allowsPasskey } = user.secondFactor
  const canAddPasskey = allowsPasskey && !hasProvenPasskey(user)
  if (!allowsApp && !canAddPasskey) return fail('acr_values')
  if (!isForRequest(user, known)) return show('sign_in', 'interaction_required', known)
  const addsPasskey = canAddPasskey && (mustBePasskey || !allowsApp)
  return show(addsPasskey ? 'add_passkey' : 'set_up_second_factor', 'interaction_required', known)
}

function hasPassword({ amr }: Pick<KnownUser, 'amr'>): boolean {
  return amr.includes('pwd')
}

/** Whether the user authenticated for this request. A sign-in of the same second is older than a request that arrives now. */
function isForRequest(
  { authTime }: Pick<KnownUser, 'authTime'>,
  { demands: { receivedAt }, isOpening }: Known,
): boolean {
  return isOpening ? authTime > receivedAt : authTime >= receivedAt
}

/**
 * Whether a client without a consent sends `prompt=none`. It learns only that a user is signed in. With other errors, `login_hint` and
 * `max_age` would reveal who the user is, and since when.
 */
function isSilentStranger({ demands, consent }: Known): boolean {
  return demands.prompt.includes('none') && !consent.isFirstParty && !consent.isCovered
}

/** Whether the offer of a passkey is still valid, so that an unlocked browser of another user adds none. */
function isRecent({ authTime }: KnownUser, { now }: Known): boolean {
  return authTime + OFFER_SECONDS > now
}

/** Whether the authentication is new enough for `prompt=login` and `max_age` (OpenID Connect Core §3.1.2.1). */
function isFresh({ authTime }: KnownUser, known: Known): boolean {
  const { demands, now } = known
  const { prompt, maxAgeSeconds } = demands
  if (isForRequest({ authTime }, known)) return true
  if (prompt.includes('login') || maxAgeSeconds === 0) return false
  return maxAgeSeconds === null || authTime + maxAgeSeconds >= now
}

/** Whether the user must choose an account: the last form was refused, or the request demands a choice or another account. */
function mustChoose({ names }: KnownUser, { demands, account }: Known): boolean {
  if (account.mustCheck) return true
  if (account.isChosen) return false
  const isHinted = demands.loginHint === null || names.includes(demands.loginHint)
  return !isHinted || demands.prompt.includes('select_account')
}

function needsConsent({ demands, consent }: Known): boolean {
  if (consent.mustConfirm || demands.prompt.includes('consent')) return true
  return !consent.isFirstParty && !consent.isCovered
}

/** Whether the user may continue as a guest: the client and its API have guests, and the request needs no account. */
function mayBeGuest({ guest, demands, consent }: Known): boolean {
  const { prompt, maxAgeSeconds, subject, needsIdToken } = demands
  if (!guest.isAllowed || consent.mustConfirm || subject !== null || needsIdToken) return false
  return maxAgeSeconds === null && !['none', 'login', 'consent'].some((value) => prompt.includes(value))
}

/** @param error The error for `prompt=none`, which forbids pages. */
function show(step: Step, error: SignInError, known: Known): NextStep {
  if (known.demands.prompt.includes('none')) return fail(error)
  const offersGuest = step === 'sign_in' && mayBeGuest(known)
  return { kind: 'show', step, problem: known.problem, offersGuest }
}

function fail(error: SignInError): NextStep {
  return { kind: 'fail', error }
}
