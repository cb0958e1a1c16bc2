/** What a sign-in for an authorization request knows. Times are Unix seconds. */
export interface Known {
  /** What the request demands. */
  demands: {
    /** `none`: no page may be shown. `login`, `consent`: the page is shown even if it is not necessary. */
    prompt: readonly string[]
    maxAgeSeconds: number | null
    /** When the server first received the request. */
    receivedAt: number
    /** The only user who may sign in; null for any user. */
    subject: string | null
  }
  /** The authenticated user; null before the authentication. */
  user: KnownUser | null
  consent: {
    isFirstParty: boolean
    /** Requested scopes that no earlier consent covers. */
    missingScopes: readonly string[]
    /** Whether another application of the device could receive the code, so that the user must always confirm (RFC 8252 §8.6). */
    mustConfirm: boolean
    /** What the user answered on the page; null before the answer. */
    given: boolean | null
  }
  now: number
}

/** An authenticated user. */
export interface KnownUser {
  subject: string
  authTime: number
  amr: readonly string[]
  acr: string
  /** Whether the user must set a new password before anything else. */
  mustChangePassword: boolean
}

/** What was just given, after its check against the stores. */
export type Given =
  | { kind: 'authenticated'; user: KnownUser }
  | { kind: 'new_password'; user: KnownUser }
  | { kind: 'consent'; isAllowed: boolean }

/** A page that the user must see. */
export type Step = 'sign_in' | 'change_password' | 'consent'

/** The errors of OpenID Connect Core §3.1.2.6, and a refused consent (RFC 6749 §4.1.2.1). */
export type SignInError = 'login_required' | 'consent_required' | 'interaction_required' | 'access_denied'

export type NextStep =
  | { kind: 'show'; step: Step }
  | { kind: 'fail'; error: SignInError }
  | { kind: 'done'; user: KnownUser }

/** Adds what was given to what is known. */
export function advance(known: Known, given: Given): Known {
  if (given.kind === 'consent') return { ...known, consent: { ...known.consent, given: given.isAllowed } }
  return { ...known, user: given.user }
}

/** Decides the next step of a sign-in. It does no I/O. */
export function nextStep(known: Known): NextStep {
  const { user, demands, consent } = known
  const isSilent = demands.prompt.includes('none')
  if (user === null || !isFresh(user, known))
    return isSilent ? fail('login_required') : { kind: 'show', step: 'sign_in' }
  if (user.mustChangePassword)
    return isSilent ? fail('interaction_required') : { kind: 'show', step: 'change_password' }
  if (consent.given === false) return fail('access_denied')
  if (consent.given === null && needsConsent(known)) {
    if (!isSilent) return { kind: 'show', step: 'consent' }
    return fail(consent.missingScopes.length > 0 ? 'consent_required' : 'interaction_required')
  }
  return { kind: 'done', user }
}

/** Whether the authentication satisfies the request: its user, `prompt=login` and `max_age`. */
function isFresh({ authTime, subject }: KnownUser, { demands, now }: Known): boolean {
  const { prompt, maxAgeSeconds, receivedAt } = demands
  if (demands.subject !== null && demands.subject !== subject) return false
  const mustBeNew = prompt.includes('login') || prompt.includes('select_account')
  if (mustBeNew && authTime < receivedAt) return false
  return maxAgeSeconds === null || authTime >= receivedAt || authTime + maxAgeSeconds >= now
}

function needsConsent({ demands, consent }: Known): boolean {
  if (consent.mustConfirm || demands.prompt.includes('consent')) return true
  return !consent.isFirstParty && consent.missingScopes.length > 0
}

function fail(error: SignInError): NextStep {
  return { kind: 'fail', error }
}
