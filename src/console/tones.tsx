import type { AuditKind } from '../audit/audit_event.ts'
import { Badge, type Tone } from './parts.tsx'

/** The badge of each state: its tone and its word. Amber states end without an action of an operator, or ask for one. */
export const STATES = {
  enabled: ['good', 'Enabled'],
  disabled: ['plain', 'Disabled'],
  locked: ['warn', 'Locked'],
  'password-change': ['warn', 'New password required'],
  'breached-password': ['bad', 'Breached password'],
  'deletion-scheduled': ['warn', 'Deletion scheduled'],
  'confusable-name': ['warn', 'Check the name'],
  live: ['good', 'Live'],
  ended: ['plain', 'Ended'],
  theft: ['bad', 'Theft'],
  revoked: ['plain', 'Revoked'],
  expired: ['plain', 'Expired'],
  retired: ['plain', 'Retired'],
  signing: ['good', 'Signing'],
  'next-key': ['plain', 'Next'],
  verifying: ['plain', 'Verifying'],
  compromised: ['bad', 'Compromised'],
} as const satisfies Record<string, readonly [Tone, string]>

export type State = keyof typeof STATES

/** The badges of the states of a key. */
export const KEY_STATES = {
  next: 'next-key',
  current: 'signing',
  verifying: 'verifying',
  retired: 'retired',
} as const satisfies Record<string, State>

/** The word of a state of a key; the state itself if it is unknown. */
export function wordOfKeyState(state: string): string {
  const badge = new Map<string, State>(Object.entries(KEY_STATES)).get(state)
  return badge === undefined ? state : STATES[badge][1]
}

export function StateBadge({ state }: { state: State }) {
  const [tone, word] = STATES[state]
  return <Badge tone={tone}>{word}</Badge>
}

export function EnabledBadge({ enabled }: { enabled: boolean }) {
  return <StateBadge state={enabled ? 'enabled' : 'disabled'} />
}

/** The tone of each kind of event that succeeded. */
export const EVENT_TONES: Readonly<Record<AuditKind, Tone>> = {
  issue: 'good',
  browser_sign_in: 'good',
  step_sign_in: 'good',
  sign_up: 'good',
  sign_in_failure: 'bad',
  refresh: 'good',
  refresh_refused: 'bad',
  code_refused: 'bad',
  retry: 'warn',
  theft: 'bad',
  merge: 'plain',
  revoke: 'plain',
  cut_off: 'plain',
  lock: 'warn',
  rehash: 'plain',
  breached_password: 'bad',
  unchecked_password: 'warn',
  factor: 'plain',
  notification: 'plain',
  account: 'plain',
  key: 'plain',
  admin: 'plain',
}
