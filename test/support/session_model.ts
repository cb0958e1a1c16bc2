import type { Fate } from './session_commands.ts'
import { isLastToken, isRetriable, type Rules, rulesOf } from './session_policies.ts'

/**
 * A model of sessions (contract, sections 3 and 5): a state, and the effect of each action. It does not depend on the
 * implementation. Times are Unix seconds.
 */

const REFRESH_TOKEN_SECONDS = 30 * 86_400
const LISTED_SECONDS = 3600

const CODE_SECONDS = 60

/** A revocation of a user includes tokens that the server issues in the same seconds. */
const USER_REACH_SECONDS = 3

/** A revocation of a client includes tokens that isolates issue from an old copy of the client. */
const CLIENT_REACH_SECONDS = 8

/** The claims of a token, and the token. */
export interface Token {
  sid: string
  subject: string
  clientId: string
  /** Null in an access token. */
  seq: number | null
  issuedAt: number
  expiresAt: number
  jwt: string
}

/** An authorization code. Its sid is that of the session which its exchange opens. */
export interface Code {
  sid: string
  subject: string
  clientId: string
  /** The `iat` of the code. It can be after `at`, because of a revocation of the user. */
  issuedAt: number
  at: number
  redirectUri: string
  /** The browser session in which the user signed in; null for a guest. */
  browser: string | null
  /** Whether the session begins under a consent of the user. */
  hasConsent: boolean
  text: string
}

/** An action. In a request, `clientId` is the authenticated client. */
export type Action =
  | { do: 'sign in'; clientId: string; subject: string | null; username: string; password: string }
  | { do: 'refresh' | 'revoke' | 'introspect'; clientId: string; token: Token }
  | { do: 'exchange'; clientId: string; code: Code; verifier: 'right' | 'wrong'; fate: Fate }
  | { do: 'log out'; browser: string; subject: string }
  | { do: 'withdraw consent'; code: Code }
  | { do: 'change password'; subject: string; password: string }
  | { do: 'sign out everywhere'; subject: string }
  | { do: 'sign out client'; clientId: string }
  | { do: 'set policy'; clientId: string; rules: Rules }

/** The observed part of a response. */
export interface Outcome {
  /** Null if the client received no response. */
  status: number | null
  /** The claims of the refresh token from a sign-in or a refresh. `issuedAt` is that of the access token. */
  issued?: { sid: string; seq: number; issuedAt: number }
  /** The result of an introspection. */
  active?: boolean
}

/** The entries of the feed by kind and name, such as `sub user:1`. Tokens from before the second are revoked. */
export type Feed = Readonly<Record<string, number>>

export interface Session {
  /** The number of the current refresh token. `issuedAt` belongs to that token too. */
  seq: number
  issuedAt: number
  rotatedAt: number
  /** The time of each rotation by the number of its new token. */
  rotations?: Readonly<Record<string, number>>
  expiresAt: number
  endedAt: number | null
  /** The browser session that ends the session; null without one, and for a session under a consent. */
  browser: string | null
}

/** A revocation of the tokens from before a second. */
interface Revocation {
  madeAt: number
  before: number
}

export interface State {
  now: number
  sessions: Readonly<Record<string, Session>>
  /** Revocations of users and clients, by kind and name as in the feed. */
  revocations: Readonly<Record<string, Revocation>>
  /** The rules of clients, by their id. Absent: the default. */
  rules: Readonly<Record<string, Rules>>
  /** Access tokens of a client from before the second are refused. */
  accessFrom: Readonly<Record<string, number>>
  /** The passwords by user id. */
  passwords: Readonly<Record<string, string>>
  /** The browser sessions that a logout ended. */
  endedBrowsers: Readonly<Record<string, true>>
  /** The withdrawn consents by the sid of their code: codes from before the second are refused. */
  withdrawals: Readonly<Record<string, number>>
}

interface Prediction {
  response: Outcome
  next: State
}

/** The possible responses to an action, and the states after them. The server selects the sid of a new session. */
export function predict(state: State, action: Action, newSid: string): Prediction[] {
  if (action.do !== 'exchange') return [predictOne(state, action, newSid)]
  const whole = exchange(state, action)
  const unanswered = { response: { status: null }, next: whole.next }
  switch (action.fate) {
    case 'answered':
      return [whole]
    case 'lost':
      return [unanswered]
    case 'stopped':
      // The isolate stopped before or after the work that would end a session.
      return [unanswered, { ...unanswered, next: state }]
  }
}

type OtherAction = Exclude<Action, { do: 'exchange' }>

function predictOne(state: State, action: OtherAction, newSid: string): Prediction {
  switch (action.do) {
    case 'sign in':
      return signIn(state, action, newSid)
    case 'refresh':
      return refresh(state, action.token, action.clientId)
    case 'revoke':
      return revoke(state, action.token, action.clientId)
    case 'introspect':
      return { response: { status: 200, active: isActive(state, action.token) }, next: state }
    case 'log out':
      return done(logOut(state, action.browser))
    case 'withdraw consent':
      return done(withdraw(state, action.code))
    case 'change password': {
      const passwords = { ...state.passwords, [action.subject]: action.password }
      return done(revokeOlderTokens({ ...state, passwords }, `sub ${action.subject}`))
    }
    case 'sign out everywhere':
      return done(revokeOlderTokens(state, `sub ${action.subject}`))
    case 'set policy':
      return done(setPolicy(state, action))
    case 'sign out client':
      return done(revokeOlderTokens(state, `client_id ${action.clientId}`, CLIENT_REACH_SECONDS))
  }
}

function signIn(
  state: State,
  { subject, password, clientId }: { subject: string | null; password: string; clientId: string },
  sid: string,
): Prediction {
  // The server refuses sign-ins during a revocation of the client, whether the password is right or wrong.
  if (state.now < validFrom(state, `client_id ${clientId}`)) return { response: { status: 503 }, next: state }
  if (subject !== null && password !== state.passwords[subject]) return refused(state)
  const issuedAt = dateTokens(state, subject)
  const expiresAt = issuedAt + REFRESH_TOKEN_SECONDS
  return issued(state, sid, {
    seq: 0,
    issuedAt,
    rotatedAt: issuedAt,
    expiresAt,
    endedAt: null,
    browser: null,
  })
}

/** A logout ends the sessions that began in the browser session, except those under a consent. */
function logOut(state: State, browser: string): State {
  const begun = Object.entries(state.sessions).filter(([, session]) => session.browser === browser)
  const next = begun.reduce((before, [sid]) => end(before, sid), state)
  return { ...next, endedBrowsers: { ...state.endedBrowsers, [browser]: true } }
}

function withdraw(state: State, { sid }: Code): State {
  const before = state.withdrawals[sid] ?? state.now + USER_REACH_SECONDS
  return { ...end(state, sid), withdrawals: { ...state.withdrawals, [sid]: before } }
}

/** A refused code no longer works. A second use of a code by its client ends the session. */
function exchange(
  state: State,
  { code, clientId, verifier }: Extract<Action, { do: 'exchange' }>,
): Prediction {
  const { sid, subject, issuedAt: codeIssuedAt, browser, hasConsent } = code
  if (code.at + CODE_SECONDS <= state.now) return refused(state)
  const isKnown = sid in state.sessions
  if (clientId !== code.clientId) return refused(isKnown ? state : close(state, sid))
  const isAllowed =
    codeIssuedAt >= validFrom(state, `sub ${subject}`) &&
    codeIssuedAt >= validFrom(state, `client_id ${clientId}`) &&
    codeIssuedAt >= (state.withdrawals[sid] ?? 0) &&
    (browser === null || !state.endedBrowsers[browser])
  if (isKnown || verifier === 'wrong' || !isAllowed) return refused(close(state, sid))
  const startedAt = Math.max(state.now, codeIssuedAt)
  const issuedAt = Math.max(startedAt, dateTokens(state, subject))
  const expiresAt = startedAt + REFRESH_TOKEN_SECONDS
  const origin = { browser: hasConsent ? null : browser }
  return issued(state, sid, { seq: 0, issuedAt, rotatedAt: startedAt, expiresAt, endedAt: null, ...origin })
}

/** Ends a session, or makes its code useless before the session begins. */
function close(state: State, sid: string): State {
  if (sid in state.sessions) return end(state, sid)
  const { now } = state
  const closed = { seq: 0, issuedAt: now, rotatedAt: now, expiresAt: now, endedAt: now, browser: null }
  return { ...state, sessions: { ...state.sessions, [sid]: closed } }
}

function refresh(state: State, token: Token, clientId: string): Prediction {
  const { now } = state
  const session = state.sessions[token.sid]
  if (!session || session.expiresAt <= now) return refused(state)
  if (clientId !== token.clientId || !isAlive(state, token)) return refused(state)
  const issuedAt = dateTokens(state, token.subject)
  const rules = rulesOf(state, clientId)
  if (token.seq === session.seq && rules.policy !== 'fixed') {
    const seq = session.seq + 1
    const rotations = { ...session.rotations, [seq]: now }
    const expiresAt = now + REFRESH_TOKEN_SECONDS
    return issued(state, token.sid, { ...session, seq, issuedAt, rotatedAt: now, rotations, expiresAt })
  }
  const isUsable = token.seq === session.seq || isRetriable(token.seq ?? 0, session, { now, rules })
  return isUsable ? issued(state, token.sid, { ...session, issuedAt }) : refused(end(state, token.sid))
}

/** The end of `fixed` revokes the access tokens of the client. The caller waits until the client gets tokens again. */
function setPolicy(state: State, { clientId, rules }: Extract<Action, { do: 'set policy' }>): State {
  const leavesFixed = rulesOf(state, clientId).policy === 'fixed' && rules.policy !== 'fixed'
  const accessFrom = { ...state.accessFrom, [clientId]: state.now + CLIENT_REACH_SECONDS }
  return { ...state, rules: { ...state.rules, [clientId]: rules }, ...(leavesFixed && { accessFrom }) }
}

function revoke(state: State, token: Token, clientId: string): Prediction {
  if (token.expiresAt <= state.now) return done(state)
  return clientId === token.clientId ? done(end(state, token.sid)) : refused(state)
}

/** A refresh token is active until its use or that of its successor, an access token until its end. */
function isActive(state: State, token: Token): boolean {
  const { sid, seq, clientId } = token
  return (
    isAlive(state, token) && (seq === null || isLastToken(seq, state.sessions[sid], rulesOf(state, clientId)))
  )
}

/** Whether a token has not ended. A used refresh token counts as not ended. */
function isAlive(state: State, token: Token): boolean {
  const { sid, subject, clientId, expiresAt } = token
  const isSignedOut = token.issuedAt < validFrom(state, `sub ${subject}`)
  const isOfLostClient = token.issuedAt < validFrom(state, `client_id ${clientId}`)
  const isEnded = state.sessions[sid]?.endedAt !== null
  const isReduced = token.seq === null && token.issuedAt < (state.accessFrom[clientId] ?? 0)
  return expiresAt > state.now && !isEnded && !isSignedOut && !isOfLostClient && !isReduced
}

/** The first second from which tokens of that name are valid. */
function validFrom({ revocations }: State, name: string): number {
  return revocations[name]?.before ?? 0
}

/** The `iat` of a new token: after an active revocation of the user, so that the token is valid. */
function dateTokens(state: State, subject: string | null): number {
  return Math.max(state.now, validFrom(state, `sub ${subject}`))
}

function issued(state: State, sid: string, session: Session): Prediction {
  const { seq, issuedAt } = session
  const next = { ...state, sessions: { ...state.sessions, [sid]: session } }
  return { response: { status: 200, issued: { sid, seq, issuedAt } }, next }
}

function end(state: State, sid: string): State {
  const session = state.sessions[sid]
  if (!session || session.endedAt !== null) return state
  return { ...state, sessions: { ...state.sessions, [sid]: { ...session, endedAt: state.now } } }
}

function revokeOlderTokens(state: State, name: string, reachSeconds = USER_REACH_SECONDS): State {
  // Tokens that were issued since the last revocation may be dated to its second.
  const before = Math.max(state.now + reachSeconds, validFrom(state, name) + 1)
  const revocation = { madeAt: state.now, before }
  return { ...state, revocations: { ...state.revocations, [name]: revocation } }
}

function done(next: State): Prediction {
  return { response: { status: 200 }, next }
}

function refused(next: State): Prediction {
  return { response: { status: 400 }, next }
}

/**
 * Differences between the feed and the requirements of a state. The feed must list each revocation while older access
 * tokens can be valid. An API that reads the feed must refuse exactly the access tokens that ended. The feed does not list
 * the end of a guest's session, so the guest's access token stays valid.
 */
export function disputeFeed(state: State, feed: Feed, accessTokens: readonly Token[]): string[] {
  const isRecent = (madeAt: number | null) => madeAt !== null && madeAt >= state.now - LISTED_SECONDS
  const revocations = Object.entries(state.revocations)
    .filter(([name, { madeAt, before }]) => isRecent(madeAt) && (feed[name] ?? 0) < before)
    .map(([name, { before }]) => `${name} is not listed before ${before}`)
  const tokens = accessTokens
    .filter(
      (token) => token.expiresAt > state.now && isRefusedBy(feed, token) !== isDueToBeRefused(state, token),
    )
    .map((token) => `an access token of ${token.sid} dated ${token.issuedAt} is misjudged`)
  return [...revocations, ...tokens]
}

function isDueToBeRefused(state: State, token: Token): boolean {
  const isGuest = token.subject.startsWith('visitor:')
  const { clientId, issuedAt } = token
  const clientFrom = Math.max(validFrom(state, `client_id ${clientId}`), state.accessFrom[clientId] ?? 0)
  return isGuest ? issuedAt < clientFrom : !isAlive(state, token)
}

function isRefusedBy(feed: Feed, { sid, subject, clientId, issuedAt }: Token): boolean {
  const names = [`sid ${sid}`, `sub ${subject}`, `client_id ${clientId}`]
  return names.some((name) => issuedAt < (feed[name] ?? 0))
}
