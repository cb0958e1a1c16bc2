/** The reasons for the end of a session, as parts of a sentence. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['replayed refresh token', 'an old refresh token was used again: it may be stolen (theft)'],
  ['replayed authorization code', 'its authorization code was used again: it may be stolen (theft)'],
  ['its code was refused', 'the exchange of its authorization code was refused'],
  [
    'another client sent its code',
    'another client sent the authorization code of this session: the code may be stolen',
  ],
  ['its code had a wrong verifier', 'its authorization code came with a wrong verifier: it may be stolen'],
  ['its code had another redirect URI', 'its authorization code came with another redirect URI'],
  ['revoked by its client', 'its application signed out'],
  ['merged into a customer', 'the guest signed in as a customer, and a new session replaced it'],
  ['its consent was withdrawn', 'the consent of the user to its application was withdrawn'],
  ['its signing key was revoked', 'its refresh tokens are refused: their signing key was revoked'],
  ['ended by its user', 'its user ended it on the account page'],
  ['ended by an operator', 'an operator ended it'],
  ['signed out in the browser', 'the user signed out in the browser'],
  ['ended by a service account', 'a service account ended it'],
  ['signed out everywhere', 'all sessions of the user were ended'],
  ['the client was disabled', 'its client was disabled'],
  ['the client was deleted', 'its client was deleted'],
  ["the client's tokens were ended", 'all tokens of its client were revoked'],
])
const UNKNOWN_REASON = 'its user or client was disabled, deleted or signed out'

/** The members of a session in the admin API that give its ending. Times are Unix seconds. */
interface SessionState {
  state: string
  expires_at: number
  refresh_policy: string
}

/** The event that ended a session, as in the admin API. */
interface SessionEnd {
  at: number
  reason: string
  actor: string | null
  actor_name: string | null
}

interface Wording {
  /** The subject of the sentence, such as `The session`. */
  subject: string
  /** Formats Unix seconds. Without it the sentence has no time. */
  formatTime?: (unixSeconds: number) => string
}

/** The word for a state of a session in the admin API. */
export function wordOfState(state: string): string {
  return state === 'cut_off' ? 'revoked' : state
}

/**
 * One sentence about the state of a session, or the reason of its end.
 *
 * @param end Null if the session is live or expired, or if the audit trail no longer has the event.
 */
export function describeEnding(
  { state, expires_at, refresh_policy }: SessionState,
  end: SessionEnd | null,
  { subject, formatTime }: Wording,
): string {
  const at = (unixSeconds: number) => (formatTime === undefined ? '' : ` ${formatTime(unixSeconds)}`)
  const isFixed = refresh_policy === 'fixed'
  switch (state) {
    case 'live': {
      const expiry = formatTime === undefined ? '' : `: it expires${at(expires_at)}`
      const effect = isFixed ? 'A refresh does not extend it' : 'A refresh extends it'
      return `${subject} is live${expiry}. ${effect}.`
    }
    case 'expired':
      return `${subject} expired${at(expires_at)}: ${isFixed ? '' : 'it was not refreshed in time, or '}it reached its maximum lifetime.`
    default:
      return end === null
        ? `${subject} ended because ${UNKNOWN_REASON}.`
        : `${subject} ended${at(end.at)} because ${REASONS.get(end.reason) ?? end.reason}${byActor(end)}.`
  }
}

function byActor({ actor, actor_name: name }: SessionEnd): string {
  if (actor === null) return ''
  // The id of a user has a colon, and the id of a client has none.
  const kind = actor.includes(':') ? 'operator' : 'service account'
  return `, by the ${kind} ${name ?? actor}`
}
