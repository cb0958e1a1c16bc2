import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than the time for which a server collects audit events before it writes them. */
const AUDIT_LAG_MS = 500

/** Waits until the audit trail contains all earlier events. */
export function untilAudited(): Promise<void> {
  return sleep(AUDIT_LAG_MS)
}
