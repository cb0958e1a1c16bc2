import type { AuditEvent } from './audit_event.ts'

/**
 * Refreshes are counted in classes by the minutes since the session got its previous token. These are the lower ends of the
 * classes. A class ends where the next one begins; the last has no end.
 */
export const IDLE_MINUTES = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const

export type IdleCounter = `idle_${(typeof IDLE_MINUTES)[number]}`
export const IDLE_COUNTERS = IDLE_MINUTES.map((minutes): IdleCounter => `idle_${minutes}`)

/** The columns of the table `audit_counters`. */
export const COUNTERS = [
  'password',
  'guest',
  'client_credentials',
  'refresh_token',
  'failures',
  'breached_passwords',
  'unchecked_passwords',
  ...IDLE_COUNTERS,
] as const
export type Counter = (typeof COUNTERS)[number]

const ISSUES: ReadonlyMap<string, Counter> = new Map([
  ['password', 'password'],
  ['guest', 'guest'],
  ['client_credentials', 'client_credentials'],
])

/** The counters to which an event adds one. A retry counts as a token, and not as further activity of its session. */
export function countersOf(event: AuditEvent, now: number): Counter[] {
  switch (event.kind) {
    case 'issue': {
      const counter = ISSUES.get(event.reason)
      return counter === undefined ? [] : [counter]
    }
    case 'refresh':
      return ['refresh_token', idleCounterOf(event.previousTokenAt ?? now, now)]
    case 'retry':
      return ['refresh_token']
    case 'sign_in_failure':
    case 'refresh_refused':
      return ['failures']
    case 'breached_password':
      return ['breached_passwords']
    case 'unchecked_password':
      return ['unchecked_passwords']
    default:
      return []
  }
}

/** The minute of a moment, as the moment at which it begins. Unix seconds. */
export function minuteOf(now: number): number {
  return Math.floor(now / 60) * 60
}

function idleCounterOf(previousTokenAt: number, now: number): IdleCounter {
  const idle = (minuteOf(now) - minuteOf(previousTokenAt)) / 60
  const minutes = IDLE_MINUTES.findLast((lower) => lower <= idle) ?? 0
  return `idle_${minutes}`
}
