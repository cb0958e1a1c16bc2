import { randomId } from '../lib/bytes.ts'

/** The username and the password of a guest, for an API with guests. */
export const GUEST = 'guest'

/** The prefix of the subject of every guest. No other subject has this prefix. */
const VISITOR_PREFIX = 'visitor:'

/** Makes the id of a guest, with 128 random bits. */
export function generateVisitorId(): string {
  return VISITOR_PREFIX + randomId(16)
}

export function isVisitorId(subject: string): boolean {
  return subject.startsWith(VISITOR_PREFIX)
}
