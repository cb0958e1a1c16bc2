import type { Context } from 'hono'
import type { AuthorizationState } from '../authorization/authorization_state_store.ts'
import { browserSessionLimitsOf } from '../config/pool_settings.ts'
import { randomId } from '../lib/bytes.ts'
import { type BrowserSession, earlierOf } from '../signin/browser_session.ts'
import { advance } from '../signin/next_step.ts'
import type { Proof } from '../signin/proof.ts'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import type { BrowserServices } from './browser_services.ts'
import { endBrowserSessions } from './end_browser_sessions.ts'
import { offerPasskey } from './offer_passkey.ts'
import { consentIdFor, describeSituation, type Situation } from './situation.ts'

/** The proof of a finished sign-in. `signIn` is null if the guard records no sign-in. */
interface FinishedSignIn extends Proof {
  kind: 'password' | 'email_code' | 'passkey' | 'new_password' | 'second_factor' | 'new_second_factor'
  user: User
  signIn: VerifiedSignIn | null
}

/**
 * Begins a browser session with a new id, so that an attacker cannot know the id before the sign-in (session fixation). The cookie
 * replaces that of an earlier browser session of the pool. An earlier session of another user ends now. An earlier session of the
 * same user ends with the new one. An earlier session that has ended does not end the new one.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
export async function beginBrowserSession(
  c: Context,
  { kind, user, signIn, authTime, amr, acr }: FinishedSignIn,
  { browserRequest, known, signedIn, canHavePasskey }: Situation,
  services: BrowserServices,
): Promise<Situation> {
  const { api, client, context } = browserRequest
  const cookie = services.cookies.session(api.userPool)
  const before = await cookie.read(c)
  const { earlierIds, endedIds } = earlierOf(before, user.id)
  if (before !== null && endedIds.length > 0) {
    const occasion = { clientId: client.id, services, context }
    await endBrowserSessions(before, endedIds, occasion)
  }
  const { idleSeconds, lifetimeSeconds } = browserSessionLimitsOf(api.userPool, services.config)
  const consentId = await consentIdFor(user.id, browserRequest)
  // A browser session that is signed in has no ended id.
  const unreadIds = signedIn === null ? earlierIds : []
  const { endedBrowserIds, ...consent } = await readState(user.id, { unreadIds, consentId }, services)
  const isCancelled = await services.deletion.cancel(user, { api: api.name, clientId: client.id }, context)
  const session: BrowserSession = {
    id: randomId(16),
    earlierIds: earlierIds.filter((id) => !endedBrowserIds.includes(id)),
    subject: user.id,
    authTime,
    amr: [...amr],
    acr,
    keptFrom: 0,
    cancelledDeletion: isCancelled || (before?.subject === user.id && before.cancelledDeletion),
    startedAt: context.now,
    endsAt: context.now + lifetimeSeconds,
    usedAt: context.now,
  }
  // Last, because the guard records no sign-in of a request that fails.
  await cookie.write(c, session, idleSeconds)
  const browserId = await rememberDevice(c, user, services)
  const isOffered = canHavePasskey && (await offerPasskey(c, { user, amr }, services))
  const noted = { subject: user.id, client, api: api.name, browserId }
  services.notifications.noteSignIn(noted, context)
  const situation = describeSituation(
    browserRequest,
    { signedIn: { session, user }, consentId, ...consent },
    services,
  )
  const { isOpening, account, offersPasskey } = known
  const kept = { isOpening, account, offersPasskey: offersPasskey || isOffered }
  const next = { ...situation.known, ...kept, signUp: null }
  if (situation.known.user === null) throw new Error('the browser session has no user')
  // A new password continues a sign-in.
  const hasSignedIn = kind !== 'new_password'
  return { ...situation, signIn, hasSignedIn, known: advance(next, { kind, user: situation.known.user }) }
}

/** How long a browser is recognized: the longest time that browsers keep a cookie (RFC 6265bis §5.5). */
const DEVICE_SECONDS = 400 * 86_400

/** A browser keeps the last users who signed in. */
const MAX_SUBJECTS = 5

/**
 * Recognizes the browser of a finished sign-in later: for its own budgets of codes by mail, and because a sign-in in another browser
 * sends a mail.
 *
 * @returns the id of the browser; null if the server sends no mails
 */
async function rememberDevice(
  c: Context,
  { id, pool }: User,
  { cookies, config }: BrowserServices,
): Promise<string | null> {
  if (config.mail === null) return null
  const cookie = cookies.device(pool)
  const { id: device = randomId(16), subjects = [] } = (await cookie.read(c)) ?? {}
  const others = subjects.filter((subject) => subject !== id)
  await cookie.write(c, { id: device, subjects: [id, ...others].slice(0, MAX_SUBJECTS) }, DEVICE_SECONDS)
  return device
}

const NOTHING = { endedBrowserIds: [], consentedScopes: null, consentValidFrom: 0 }

interface Unread {
  /** The ids of browser sessions that may have ended. */
  unreadIds: readonly string[]
  consentId: string | null
}

/** Reads only the ended ids and the consent, if the sign-in needs them. The user was just read. */
async function readState(
  subject: string,
  { unreadIds, consentId }: Unread,
  { authorizationState }: BrowserServices,
): Promise<Omit<AuthorizationState, 'user'>> {
  if (unreadIds.length === 0 && consentId === null) return NOTHING
  const query = { subject, browserIds: unreadIds, consentId }
  const { endedBrowserIds, consentedScopes, consentValidFrom } = await authorizationState.find(query)
  return { endedBrowserIds, consentedScopes, consentValidFrom }
}
