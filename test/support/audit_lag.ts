import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than a real server gathers audit events before it writes them. */
const AUDIT_LAG_MS = 500

/** Waits until what has happened is in the audit trail. */
export function untilAudited(): Promise<void> {
  return sleep(AUDIT_LAG_MS)
}
