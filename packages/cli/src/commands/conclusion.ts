import { asItem, type Item } from '../api/admin_api.ts'
import { showTime, textOf } from './output.ts'

/** Each reason for which a session ends, in words that response "why was I signed out?". */
const REASONS: Readonly<Record<string, string>> = {
  'replayed refresh token':
    'a refresh token was used again after its successor had long been given out: somebody may have stolen it (theft)',
  'revoked by its client': 'its application signed out',
  'merged into a customer': 'the guest signed in, and the customer took over',
  'ended by an operator': 'an operator ended it',
  'signed out everywhere': 'every session of that person was ended',
  'the password was changed': 'the password was changed',
  'the user was disabled': 'the person was disabled',
  'the user was deleted': 'the person was deleted',
  'the client was disabled': 'its client was disabled',
  'the client was deleted': 'its client was deleted',
  "the client's tokens were ended": 'every token of its client was ended',
}

/**
 * One sentence about how a session stands or why it ended.
 *
 * @param who Whose it is, in words.
 * @param nameOf An operator's name by their id; the id where it is not known.
 */
export function conclude(story: Item, who: string, nameOf: (id: string) => string): string {
  const session = asItem(story.session)
  const subject = `Session ${textOf(session, 'sid')} of ${who}`
  switch (session.state) {
    case 'live':
      return `${subject} has not ended: it expires ${showTime(session.expires_at)}. A refresh extends it.`
    case 'expired':
      return `${subject} expired ${showTime(session.expires_at)}: nobody refreshed it in time, or it had lived as long as it may.`
    default:
      return story.end
        ? describeEnd(subject, asItem(story.end), nameOf)
        : `${subject}: ${textOf(story, 'ending')}`
  }
}

function describeEnd(subject: string, end: Item, nameOf: (id: string) => string): string {
  const operator = typeof end.actor === 'string' ? `, by the operator ${nameOf(end.actor)}` : ''
  return `${subject} ended ${showTime(end.at)} because ${explain(textOf(end, 'reason'))}${operator}.`
}

function explain(reason: string): string {
  return REASONS[reason] ?? reason
}
