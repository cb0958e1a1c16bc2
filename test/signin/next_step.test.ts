import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  advance,
  type Given,
  type Known,
  type KnownUser,
  type NextStep,
  nextStep,
  SIGN_UP_STEPS,
  STEPS,
} from '../../src/signin/next_step.ts'
import type { SignInProblem } from '../../src/signin/sign_in_problem.ts'

const NOW = 1_800_000_000

const NO_FACTOR: KnownUser['secondFactor'] = {
  isNeeded: false,
  mustBePasskey: false,
  isByEmail: false,
  allowsApp: false,
  allowsPasskey: false,
  hasApp: false,
  hasPasskey: false,
}
const ANN: KnownUser = {
  subject: 'user:ann',
  names: ['ann', 'ann@example.com'],
  authTime: NOW - 1000,
  amr: ['pwd'],
  acr: 'urn:sallyport:1',
  secondFactor: NO_FACTOR,
  mustChangePassword: false,
}
const NEW_ANN = { ...ANN, authTime: NOW }
/** A user who must prove a second factor, one who must set it up, and one who has a factor for requests that demand it. */
const withFactor = (changes: Partial<KnownUser['secondFactor']>): KnownUser => ({
  ...ANN,
  secondFactor: { ...NO_FACTOR, ...changes },
})
const NEEDED = { isNeeded: true, allowsApp: true }
const WITH_APP = withFactor({ ...NEEDED, hasApp: true })
const WITHOUT_APP = withFactor(NEEDED)
const BY_MAIL = withFactor({ ...NEEDED, isByEmail: true })
const OPTIONAL = withFactor({ allowsApp: true })
/** Users of a pool with passkeys, and of one that requires them. */
const WITH_PASSKEY = withFactor({ ...NEEDED, allowsPasskey: true, hasPasskey: true })
const PASSKEYS_ONLY = withFactor({ allowsPasskey: true })
const MUST = { ...NEEDED, allowsPasskey: true, mustBePasskey: true }
const MUST_ADD = withFactor(MUST)
const MUST_USE = withFactor({ ...MUST, hasPasskey: true })
const MUST_USE_WITH_APP = withFactor({ ...MUST, hasApp: true, hasPasskey: true })
const MUST_ADD_WITH_APP = withFactor({ ...MUST, hasApp: true })
const TWICE = { amr: ['pwd', 'otp', 'mfa'], acr: 'urn:sallyport:2' }
const NEW_BOB = { ...NEW_ANN, subject: 'user:bob', names: ['bob'] }

/** A request of a first-party client without demands, from a browser without a session. */
const NOTHING: Known = {
  demands: {
    prompt: [],
    maxAgeSeconds: null,
    acrLevel: 1,
    receivedAt: NOW,
    subject: null,
    loginHint: null,
    needsIdToken: false,
  },
  isOpening: true,
  user: null,
  awaitsEmailCode: false,
  signUp: null,
  mustKeepCodes: false,
  offersPasskey: false,
  account: { isChosen: false, mustCheck: false },
  guest: { isAllowed: false, isChosen: false },
  consent: { isFirstParty: true, isCovered: false, mustConfirm: false, given: null },
  isCancelled: false,
  problem: null,
  now: NOW,
}

type Changes = Partial<Omit<Known, 'demands' | 'consent'>> &
  Partial<Known['demands']> &
  Partial<Known['consent']>

/** The state NOTHING with some changes. */
function known(changes: Changes = {}): Known {
  const pick = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([key, value]) => [
        key,
        key in changes ? (changes as Record<string, unknown>)[key] : value,
      ]),
    ) as T
  return { ...pick(NOTHING), demands: pick(NOTHING.demands), consent: pick(NOTHING.consent) }
}

const GUESTS = { isAllowed: true, isChosen: false }
const WRONG: SignInProblem = { kind: 'wrong_credentials' }
const PARTNER = { isFirstParty: false }
const APP = { mustConfirm: true }
/** A client without a consent of the user who is signed in. */
const STRANGER = { ...PARTNER, isCovered: false, prompt: ['none'], user: ANN }

const PASSWORD: Given = { kind: 'password', user: NEW_ANN }
const BOBS_PASSWORD: Given = { kind: 'password', user: NEW_BOB }
const OLD_PASSWORD: Given = { kind: 'password', user: { ...NEW_ANN, mustChangePassword: true } }
const by = (user: KnownUser): Given => ({ kind: 'password', user: { ...user, authTime: NOW } })
/** A passkey alone, with and without user verification. */
const VERIFIED = { amr: ['hwk', 'user', 'mfa'], acr: 'urn:sallyport:2' }
const UNVERIFIED = { amr: ['hwk', 'user'], acr: 'urn:sallyport:1' }
const byPasskey = (user: KnownUser, proof = VERIFIED): Given => ({
  kind: 'passkey',
  user: { ...user, ...proof, authTime: NOW },
})
/** The proof of a password and a passkey, and that of a password and an app. */
const byBoth = (user: KnownUser, amr = ['pwd', 'hwk', 'user', 'mfa']): Given => ({
  kind: 'second_factor',
  user: { ...user, amr, acr: 'urn:sallyport:2', authTime: NOW },
})
const OFFER: Given = { kind: 'passkey_offer' }
const SECOND: Given = { kind: 'second_factor', user: { ...WITH_APP, ...TWICE, authTime: NOW } }
const NEW_APP: Given = { kind: 'new_second_factor', user: { ...WITH_APP, ...TWICE, authTime: NOW } }
const OLD_SECOND: Given = { kind: 'second_factor', user: { ...WITH_APP, ...TWICE } }
const KEPT: Given = { kind: 'kept_codes' }
const WRONG_CODE: Given = {
  kind: 'refused',
  step: 'second_factor',
  problem: { kind: 'wrong_code', factor: 'totp' },
}
const SIGN_UP: Given = { kind: 'sign_up', step: 'sign_up' }
const NO_ADDRESS: Given = { kind: 'refused', step: 'sign_up', problem: { kind: 'no_address' } }
const REFUSED: Given = { kind: 'refused', step: 'sign_in', problem: WRONG }

/** `step`, `step: problem`, `step + guest`, the error, or `done` with the name of the holder. */
function describeStep(next: NextStep): string {
  if (next.kind === 'fail') return next.error
  if (next.kind === 'done') return next.user === null ? 'done: guest' : `done: ${next.user.names[0]}`
  return next.step + (next.offersGuest ? ' + guest' : '') + (next.problem ? `: ${next.problem.kind}` : '')
}

/** A situation, the changes of the state, the inputs of the user, and the next step. */
type Row = [situation: string, changes: Changes, given: Given[], expected: string]

const ROWS: Row[] = [
  ['a browser without a session', {}, [], 'sign_in'],
  ['a correct password', {}, [PASSWORD], 'done: ann'],
  ['a wrong password, a locked account, a disabled user', {}, [REFUSED], 'sign_in: wrong_credentials'],
  ['a correct password after a wrong one', {}, [REFUSED, PASSWORD], 'done: ann'],
  ['a browser session', { user: ANN }, [], 'done: ann'],
  ['a cancelled sign-in', {}, [{ kind: 'cancel' }], 'access_denied'],

  ['a password that must change', {}, [OLD_PASSWORD], 'change_password'],
  ['a new password', {}, [OLD_PASSWORD, { kind: 'new_password', user: NEW_ANN }], 'done: ann'],
  [
    'a refused new password',
    {},
    [OLD_PASSWORD, { kind: 'refused', step: 'change_password', problem: { kind: 'different_passwords' } }],
    'change_password: different_passwords',
  ],
  [
    'a password that must change, in a session',
    { user: { ...ANN, mustChangePassword: true } },
    [],
    'change_password',
  ],

  ['a password of a user with an app', {}, [by(WITH_APP)], 'second_factor'],
  ['a wrong code', {}, [by(WITH_APP), WRONG_CODE], 'second_factor: wrong_code'],
  ['a second factor', {}, [by(WITH_APP), SECOND], 'done: ann'],
  ['a second factor after a wrong one', {}, [by(WITH_APP), WRONG_CODE, SECOND], 'done: ann'],
  ['a password of a user who needs an app', {}, [by(WITHOUT_APP)], 'set_up_second_factor'],
  ['a new app', {}, [by(WITHOUT_APP), NEW_APP], 'recovery_codes'],
  ['kept recovery codes', {}, [by(WITHOUT_APP), NEW_APP, KEPT], 'done: ann'],
  ['kept recovery codes without a new app', {}, [by(WITHOUT_APP), KEPT], 'set_up_second_factor'],
  ['a password of a user with a verified address', {}, [by(BY_MAIL)], 'email_second_factor'],
  ['a session of a password, a verified address', { user: BY_MAIL }, [], 'email_second_factor'],
  ['a session of a code by mail, a verified address', { user: { ...BY_MAIL, amr: ['otp'] } }, [], 'sign_in'],
  ['a code by mail after a password', {}, [by(BY_MAIL), SECOND], 'done: ann'],
  ['a session of one factor, an app', { user: WITH_APP }, [], 'second_factor'],
  ['a session of one factor, proven', { user: WITH_APP }, [OLD_SECOND], 'done: ann'],
  ['a session of two factors', { user: { ...WITH_APP, ...TWICE } }, [], 'done: ann'],
  ['a session of one factor, no app', { user: WITHOUT_APP }, [], 'sign_in'],
  ['an old session, no app', { user: WITHOUT_APP, isOpening: false }, [], 'sign_in'],
  ['an app before a new password', {}, [by({ ...WITH_APP, mustChangePassword: true })], 'second_factor'],
  [
    'a new password after an app',
    {},
    [by(WITH_APP), { ...SECOND, user: { ...SECOND.user, mustChangePassword: true } }],
    'change_password',
  ],
  ['a new password of one factor', {}, [{ kind: 'new_password', user: WITH_APP }], 'second_factor'],
  ['an app before a consent', PARTNER, [by(WITH_APP)], 'second_factor'],
  ['a consent after an app', PARTNER, [by(WITH_APP), SECOND], 'consent'],
  ['a remembered consent, an app', { ...PARTNER, user: WITH_APP, isCovered: true }, [], 'second_factor'],
  ['a chosen account, an app', { user: WITH_APP }, [{ kind: 'account', isKept: true }], 'second_factor'],
  [
    'another account than that with an app',
    {},
    [by(WITH_APP), { kind: 'account', isKept: false }],
    'sign_in',
  ],
  ['a cancelled second factor', {}, [by(WITH_APP), { kind: 'cancel' }], 'access_denied'],
  ['prompt=none, app', { prompt: ['none'], user: WITH_APP }, [], 'interaction_required'],
  ['prompt=none, no app', { prompt: ['none'], user: WITHOUT_APP }, [], 'interaction_required'],
  ['prompt=none, two factors', { prompt: ['none'], user: { ...WITH_APP, ...TWICE } }, [], 'done: ann'],

  ['level 2, a user without', { acrLevel: 2 }, [PASSWORD], 'acr_values'],
  ['level 2, session of a user without', { acrLevel: 2, user: ANN }, [], 'acr_values'],
  ['level 2, a user who can have an app', { acrLevel: 2 }, [by(OPTIONAL)], 'set_up_second_factor'],
  ['level 2, session of a user who can have one', { acrLevel: 2, user: OPTIONAL }, [], 'sign_in'],
  ['level 2, a user with an app', { acrLevel: 2, user: WITH_APP }, [], 'second_factor'],
  ['level 2, proven', { acrLevel: 2, user: WITH_APP }, [OLD_SECOND], 'done: ann'],
  ['level 2, two factors', { acrLevel: 2, user: { ...WITH_APP, ...TWICE } }, [], 'done: ann'],
  ['level 2, prompt=none', { acrLevel: 2, prompt: ['none'], user: WITH_APP }, [], 'interaction_required'],
  [
    'level 2, max_age, two old factors',
    { acrLevel: 2, maxAgeSeconds: 60, user: { ...WITH_APP, ...TWICE } },
    [],
    'sign_in',
  ],
  ['level 2, max_age, a password', { acrLevel: 2, maxAgeSeconds: 60 }, [by(WITH_APP)], 'second_factor'],
  ['a second factor is no sign-in', { prompt: ['login'], user: WITH_APP }, [OLD_SECOND], 'sign_in'],

  ['a passkey with user verification', {}, [byPasskey(WITH_APP)], 'done: ann'],
  ['a passkey without user verification', {}, [byPasskey(ANN, UNVERIFIED)], 'done: ann'],
  ['a passkey without user verification, needed app', {}, [byPasskey(WITH_APP, UNVERIFIED)], 'second_factor'],
  [
    'a passkey without user verification, no app',
    {},
    [byPasskey(WITH_PASSKEY, UNVERIFIED)],
    'set_up_second_factor',
  ],
  [
    'a passkey of another user than requested',
    { subject: 'user:bob' },
    [byPasskey(ANN)],
    'sign_in: other_account',
  ],
  [
    'a passkey, a password that must change',
    {},
    [byPasskey({ ...ANN, mustChangePassword: true })],
    'change_password',
  ],
  ['a passkey, a third-party client', PARTNER, [byPasskey(ANN)], 'consent'],
  ['a password of a user with a passkey', {}, [by(WITH_PASSKEY)], 'second_factor'],
  ['a password and a passkey', {}, [by(WITH_PASSKEY), byBoth(WITH_PASSKEY)], 'done: ann'],
  ['a password, passkeys only', {}, [by(PASSKEYS_ONLY)], 'done: ann'],
  ['level 2, passkeys only', { acrLevel: 2 }, [by(PASSKEYS_ONLY)], 'add_passkey'],
  ['level 2, session, passkeys only', { acrLevel: 2, user: PASSKEYS_ONLY }, [], 'sign_in'],
  [
    'level 2, a passkey without user verification, passkeys only',
    { acrLevel: 2 },
    [byPasskey(PASSKEYS_ONLY, UNVERIFIED)],
    'acr_values',
  ],
  ['a required passkey, a password', {}, [by(MUST_ADD)], 'add_passkey'],
  ['a required passkey, an app', {}, [by(MUST_ADD_WITH_APP)], 'second_factor'],
  [
    'a required passkey, a proven app',
    {},
    [by(MUST_ADD_WITH_APP), byBoth(MUST_ADD_WITH_APP, TWICE.amr)],
    'add_passkey',
  ],
  ['a required passkey, session before the app', { user: MUST_ADD_WITH_APP }, [], 'sign_in'],
  ['a required passkey, the new one', {}, [by(MUST_ADD), byBoth(MUST_USE)], 'done: ann'],
  ['a required passkey, a password of its user', {}, [by(MUST_USE)], 'second_factor'],
  ['a required passkey, a refused offer', {}, [by(MUST_ADD), OFFER], 'add_passkey'],
  ['a required passkey, proven by an app', {}, [byBoth(MUST_USE_WITH_APP, TWICE.amr)], 'second_factor'],
  [
    'a required passkey, session by an app',
    { user: { ...MUST_USE_WITH_APP, ...TWICE } },
    [],
    'second_factor',
  ],
  ['a required passkey, session without one', { user: { ...MUST_ADD, ...TWICE } }, [], 'sign_in'],
  ['a required passkey alone', {}, [byPasskey(MUST_USE)], 'done: ann'],
  [
    'a required passkey, prompt=none',
    { prompt: ['none'], user: { ...MUST_USE, ...TWICE } },
    [],
    'interaction_required',
  ],
  ['an offered passkey', { offersPasskey: true }, [PASSWORD], 'add_passkey'],
  ['an offered passkey after a new password', { offersPasskey: true }, [OLD_PASSWORD], 'change_password'],
  [
    'an offer ten minutes later',
    { offersPasskey: true, user: { ...ANN, authTime: NOW - 600 } },
    [],
    'done: ann',
  ],
  ['an offered passkey before a consent', { ...PARTNER, offersPasskey: true }, [PASSWORD], 'add_passkey'],
  ['an offer that the user refused', { offersPasskey: true }, [PASSWORD, OFFER], 'done: ann'],
  ['a requested sign-up', {}, [SIGN_UP], 'sign_up'],
  ['an address that is no address', {}, [SIGN_UP, NO_ADDRESS], 'sign_up: no_address'],
  ['a requested code of a sign-up', {}, [SIGN_UP, { kind: 'sign_up', step: 'sign_up_code' }], 'sign_up_code'],
  ['a proven address', {}, [{ kind: 'sign_up', step: 'create_account' }], 'create_account'],
  ['a created account', {}, [SIGN_UP, { kind: 'email_code', user: NEW_ANN }], 'done: ann'],
  ['a created account of a pool with apps', {}, [SIGN_UP, by(WITHOUT_APP)], 'set_up_second_factor'],
  ['a sign-up in a session', { user: ANN }, [SIGN_UP], 'sign_up'],
  [
    'a sign-up in a session, and back',
    { user: ANN },
    [SIGN_UP, { kind: 'account', isKept: false }],
    'sign_in',
  ],
  [
    'a sign-up, another tab signed in',
    { user: ANN, signUp: 'create_account', account: { isChosen: false, mustCheck: true } },
    [],
    'select_account',
  ],
  [
    'a sign-up, an expired form',
    { signUp: 'sign_up', account: { isChosen: false, mustCheck: true } },
    [],
    'sign_up',
  ],
  ['a cancelled sign-up', {}, [SIGN_UP, { kind: 'cancel' }], 'access_denied'],

  ['a third-party client', PARTNER, [PASSWORD], 'consent'],
  ['an allowed consent', PARTNER, [PASSWORD, { kind: 'consent', isAllowed: true }], 'done: ann'],
  ['a denied consent', PARTNER, [PASSWORD, { kind: 'consent', isAllowed: false }], 'access_denied'],
  ['a remembered consent', { ...PARTNER, user: ANN, isCovered: true }, [], 'done: ann'],
  ['a consent to fewer scopes', { ...PARTNER, user: ANN, isCovered: false }, [], 'consent'],
  ['prompt=consent of a first-party client', { prompt: ['consent'], user: ANN }, [], 'consent'],
  ['a first-party client with a loopback address', { ...APP, user: ANN, isCovered: true }, [], 'consent'],
  [
    'a consented client with a loopback address',
    { ...APP, ...PARTNER, user: ANN, isCovered: true },
    [],
    'consent',
  ],
  [
    'a consent before a sign-in',
    { ...PARTNER },
    [{ kind: 'consent', isAllowed: true }, OLD_PASSWORD],
    'change_password',
  ],

  ['prompt=none without a session', { prompt: ['none'] }, [], 'login_required'],
  ['prompt=none with a session', { prompt: ['none'], user: ANN }, [], 'done: ann'],
  ['prompt=none, new scopes', { ...PARTNER, prompt: ['none'], user: ANN }, [], 'consent_required'],
  [
    'prompt=none of a stranger, hint of another account',
    { ...STRANGER, loginHint: 'bob' },
    [],
    'consent_required',
  ],
  ['prompt=none of a stranger, old sign-in', { ...STRANGER, maxAgeSeconds: 1 }, [], 'consent_required'],
  ['prompt=none of a stranger without a session', { ...STRANGER, user: null }, [], 'login_required'],
  ['prompt=none, loopback address', { ...APP, prompt: ['none'], user: ANN }, [], 'interaction_required'],
  [
    'prompt=none, old password',
    { prompt: ['none'], user: { ...ANN, mustChangePassword: true } },
    [],
    'interaction_required',
  ],
  ['prompt=none, own hint', { prompt: ['none'], loginHint: 'ann@example.com', user: ANN }, [], 'done: ann'],
  [
    'prompt=none, hint of another account',
    { prompt: ['none'], loginHint: 'bob', user: ANN },
    [],
    'login_required',
  ],
  ['prompt=none, id_token_hint', { prompt: ['none'], subject: 'user:bob', user: ANN }, [], 'login_required'],
  ['prompt=none, max_age', { prompt: ['none'], maxAgeSeconds: 999, user: ANN }, [], 'login_required'],
  [
    'prompt=none is never a guest',
    { prompt: ['none'], guest: GUESTS },
    [{ kind: 'guest' }],
    'login_required',
  ],

  ['prompt=login with a session', { prompt: ['login'], user: ANN }, [], 'sign_in'],
  ['prompt=login, session of this second', { prompt: ['login'], user: NEW_ANN }, [], 'sign_in'],
  ['prompt=login, a correct password', { prompt: ['login'], user: ANN }, [PASSWORD], 'done: ann'],
  ['prompt=login, the next page', { prompt: ['login'], isOpening: false, user: NEW_ANN }, [], 'done: ann'],
  ['max_age, too old', { maxAgeSeconds: 999, user: ANN }, [], 'sign_in'],
  ['max_age, new enough', { maxAgeSeconds: 1000, user: ANN }, [], 'done: ann'],
  ['max_age=0, session of this second', { maxAgeSeconds: 0, user: NEW_ANN }, [], 'sign_in'],
  ['max_age=0, a correct password', { maxAgeSeconds: 0, user: ANN }, [PASSWORD], 'done: ann'],

  ['prompt=select_account, no session', { prompt: ['select_account'] }, [], 'sign_in'],
  ['prompt=select_account', { prompt: ['select_account'], user: ANN }, [], 'select_account'],
  [
    'the shown account',
    { prompt: ['select_account'], user: ANN },
    [{ kind: 'account', isKept: true }],
    'done: ann',
  ],
  [
    'another account',
    { prompt: ['select_account'], user: ANN },
    [{ kind: 'account', isKept: false }],
    'sign_in',
  ],
  [
    'another account, wrong password',
    { prompt: ['select_account'], user: ANN },
    [{ kind: 'account', isKept: false }, REFUSED],
    'sign_in: wrong_credentials',
  ],
  ['prompt=select_account, a sign-in', { prompt: ['select_account'] }, [PASSWORD], 'done: ann'],
  ['login_hint of another account', { loginHint: 'bob', user: ANN }, [], 'select_account'],
  ['login_hint, another sign-in', { loginHint: 'bob' }, [PASSWORD], 'done: ann'],
  ['id_token_hint of another user', { subject: 'user:bob', user: ANN }, [], 'sign_in: other_account'],
  ['id_token_hint, wrong account', { subject: 'user:bob' }, [PASSWORD], 'sign_in: other_account'],
  ['id_token_hint, correct account', { subject: 'user:bob' }, [PASSWORD, BOBS_PASSWORD], 'done: bob'],
  [
    'another tab signed in',
    { user: ANN, account: { isChosen: false, mustCheck: true } },
    [],
    'select_account',
  ],
  [
    'another tab signed in, confirmed',
    { user: ANN, account: { isChosen: true, mustCheck: true } },
    [{ kind: 'account', isKept: true }],
    'done: ann',
  ],
  ['another tab signed out', { account: { isChosen: false, mustCheck: true } }, [], 'sign_in'],

  ['an API with guests', { guest: GUESTS }, [], 'sign_in + guest'],
  ['a guest', { guest: GUESTS }, [{ kind: 'guest' }], 'done: guest'],
  ['a guest of an API without guests', {}, [{ kind: 'guest' }], 'sign_in'],
  ['a guest, prompt=login', { guest: GUESTS, prompt: ['login'] }, [{ kind: 'guest' }], 'sign_in'],
  ['a guest, max_age', { guest: GUESTS, maxAgeSeconds: 60 }, [{ kind: 'guest' }], 'sign_in'],
  ['a guest, openid', { guest: GUESTS, needsIdToken: true }, [{ kind: 'guest' }], 'sign_in'],
  ['a guest, id_token_hint', { guest: GUESTS, subject: 'user:ann' }, [{ kind: 'guest' }], 'sign_in'],
  ['a guest, loopback address', { guest: GUESTS, ...APP }, [{ kind: 'guest' }], 'sign_in'],
]

describe('the steps of a sign-in', () => {
  it.each(ROWS)('the next step after %s is the expected one', (_situation, changes, given, expected) => {
    expect(describeStep(nextStep(given.reduce(advance, known(changes))))).toBe(expected)
  })

  it('no sequence of inputs skips a required step', () => {
    fc.assert(fc.property(anyKnown, fc.array(anyGiven, { maxLength: 6 }), skipsNothing), { numRuns: 5000 })
  })
})

const someone = fc.record({
  subject: fc.constantFrom('user:ann', 'user:bob'),
  authTime: fc.constantFrom(NOW - 1000, NOW),
  acr: fc.constantFrom('urn:sallyport:1', 'urn:sallyport:2'),
  secondFactor: fc
    .record({
      isNeeded: fc.boolean(),
      mustBePasskey: fc.boolean(),
      isByEmail: fc.boolean(),
      allowsApp: fc.boolean(),
      allowsPasskey: fc.boolean(),
      hasApp: fc.boolean(),
      hasPasskey: fc.boolean(),
    })
    .map((factor) => (factor.mustBePasskey ? { ...factor, ...MUST, isByEmail: false } : factor)),
  mustChangePassword: fc.boolean(),
})
const anyUser = someone.map((changes): KnownUser => ({ ...ANN, ...changes }))
/** A user after the first factor only. */
const afterOne = anyUser.map((user): KnownUser => ({ ...user, authTime: NOW, acr: 'urn:sallyport:1' }))
const anyKnown = fc
  .record({
    prompt: fc.subarray(['login', 'consent', 'select_account']),
    isSilent: fc.boolean(),
    maxAgeSeconds: fc.constantFrom(null, 0, 60),
    acrLevel: fc.constantFrom(1 as const, 2 as const),
    subject: fc.constantFrom(null, 'user:bob'),
    needsIdToken: fc.boolean(),
    isOpening: fc.boolean(),
    offersPasskey: fc.boolean(),
    user: fc.option(anyUser),
    account: fc.record({ isChosen: fc.boolean(), mustCheck: fc.boolean() }),
    guest: fc.record({ isAllowed: fc.boolean(), isChosen: fc.constant(false) }),
    isFirstParty: fc.boolean(),
    isCovered: fc.boolean(),
    mustConfirm: fc.boolean(),
  })
  .map(({ isSilent, prompt, ...changes }) => known({ ...changes, prompt: isSilent ? ['none'] : prompt }))

const anyGiven: fc.Arbitrary<Given> = fc.oneof(
  afterOne.map((user): Given => ({ kind: 'password', user })),
  afterOne.map((user): Given => ({ kind: 'new_password', user })),
  fc
    .constantFrom('second_factor' as const, 'new_second_factor' as const)
    .chain((kind) =>
      fc.constantFrom(TWICE, VERIFIED).map((proof): Given => ({ kind, user: { ...ANN, ...proof } })),
    ),
  fc.constantFrom(...SIGN_UP_STEPS).map((step): Given => ({ kind: 'sign_up', step })),
  fc.boolean().map((isKept): Given => ({ kind: 'account', isKept })),
  fc.boolean().map((isAllowed): Given => ({ kind: 'consent', isAllowed })),
  fc.constantFrom(...STEPS).map((step): Given => ({ kind: 'refused', step, problem: WRONG })),
  afterOne.map((user): Given => byPasskey(user, UNVERIFIED)),
  fc.constantFrom<Given>({ kind: 'guest' }, { kind: 'cancel' }, { kind: 'kept_codes' }, OFFER),
)

/** Adds an input. A second factor is that of the user who has proven the first one. */
function give(known: Known, given: Given): Known {
  if (given.kind !== 'second_factor' && given.kind !== 'new_second_factor') return advance(known, given)
  if (known.user === null) return known
  const amr = [...known.user.amr, ...given.user.amr]
  return advance(known, { kind: given.kind, user: { ...known.user, ...TWICE, amr } })
}

/** Whether a finished sign-in passed each step that its request requires. */
function skipsNothing(start: Known, given: Given[]): void {
  const end = given.reduce(give, start)
  const next = nextStep(end)
  if (next.kind === 'show') expect(start.demands.prompt).not.toContain('none')
  if (next.kind !== 'done') return
  const { demands, consent } = start
  const has = (kind: Given['kind']) => given.some((one) => one.kind === kind)
  expect(has('cancel')).toBe(false)
  if (next.user === null) {
    expect([start.guest.isAllowed, has('guest'), demands.needsIdToken]).toEqual([true, true, false])
    return
  }
  const isAllowed = end.consent.given === true
  const hasAuthenticated = has('password') || has('new_password') || has('passkey')
  expect(next.user.mustChangePassword).toBe(false)
  const needsTwo = next.user.secondFactor.isNeeded || demands.acrLevel === 2
  if (needsTwo) expect(next.user.acr).toBe('urn:sallyport:2')
  if (next.user.secondFactor.mustBePasskey) expect(next.user.amr).toContain('hwk')
  if (end.offersPasskey) expect(next.user.authTime).toBeLessThanOrEqual(NOW - 600)
  if (demands.subject !== null) expect(next.user.subject).toBe(demands.subject)
  if (demands.prompt.includes('login') && start.isOpening) expect(hasAuthenticated).toBe(true)
  if (demands.prompt.includes('select_account') && !start.account.isChosen)
    expect(hasAuthenticated || has('account')).toBe(true)
  if (start.account.mustCheck) expect(hasAuthenticated || has('account')).toBe(true)
  if (!consent.isFirstParty && !consent.isCovered) expect(isAllowed).toBe(true)
  if (consent.mustConfirm || demands.prompt.includes('consent')) expect(isAllowed).toBe(true)
}
