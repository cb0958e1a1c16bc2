import { randomId } from '../lib/bytes.ts'

/** The name and the password of an anonymous visitor, where an API takes guests. */
export const GUEST = 'guest'

/** What the subject of every anonymous visitor begins with, and no other. */
const VISITOR_PREFIX = 'visitor:'

/** A new visitor: 128 random bits. */
export function generateVisitorId(): string {
  return VISITOR_PREFIX + randomId(16)
}

export function isVisitorId(subject: string): boolean {
  return subject.startsWith(VISITOR_PREFIX)
}
