import { asItem, type Item } from '../api/admin_api.ts'
import { showTime, textOf } from './output.ts'

/** The reasons for the end of a session, as parts of a sentence. */
const REASONS: Readonly<Record<string, string>> = {
  'replayed refresh token':
    'a refresh token was used again after its successor was in use: it may be stolen (theft)',
  'revoked by its client': 'its application signed out',
  'merged into a customer': 'the guest signed in, and the customer took over',
  'ended by an operator': 'an operator ended it',
  'ended by a service account': 'a service account ended it',
  'signed out everywhere': 'all sessions of the user were ended',
  'the password was changed': 'the password was changed',
  'the user was disabled': 'the user was disabled',
  'the user was deleted': 'the user was deleted',
  'the user was erased': 'the user was erased',
  'the client was disabled': 'its client was disabled',
  'the client was deleted': 'its client was deleted',
  "the client's tokens were ended": 'all tokens of its client were revoked',
}

/**
 * One sentence about the state of a session or the reason for its end.
 *
 * @param timeline The timeline of the session, with the names of its user and of the operator who ended it.
 */
export function conclude(timeline: Item): string {
  const session = asItem(timeline.session)
  const name = textOf(session, 'subject_name')
  const id = textOf(session, 'subject')
  const subject = `Session ${textOf(session, 'sid')} of ${name === '' ? id : `${name} (${id})`}`
  switch (session.state) {
    case 'live':
      return `${subject} has not ended: it expires ${showTime(session.expires_at)}. A refresh extends it.`
    case 'expired':
      return `${subject} expired ${showTime(session.expires_at)}: it was not refreshed in time, or it reached its maximum lifetime.`
    default:
      return timeline.end
        ? describeEnd(subject, asItem(timeline.end))
        : `${subject}: ${textOf(timeline, 'ending')}`
  }
}

function describeEnd(subject: string, end: Item): string {
  const operator = end.actor_name ?? end.actor
  // The id of a user has a colon, and the id of a client has none.
  const kind = String(end.actor).includes(':') ? 'operator' : 'service account'
  const by = typeof operator === 'string' ? `, by the ${kind} ${operator}` : ''
  return `${subject} ended ${showTime(end.at)} because ${explain(textOf(end, 'reason'))}${by}.`
}

function explain(reason: string): string {
  return REASONS[reason] ?? reason
}
