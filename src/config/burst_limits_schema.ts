import * as z from 'zod/mini'
import { count } from './numbers.ts'

export const BURST_LIMITS = {
  sign_ins: 20,
  guesses: 60,
  guests: 600,
  introspections: 6000,
  refreshes: 600,
  audit_events: 240,
  revocations: 60,
  client_revocations: 600,
}

const budget = (byDefault: number) => z._default(count(1, 1_000_000), byDefault)

export const burstLimits = z.strictObject(
  {
    sign_ins: budget(BURST_LIMITS.sign_ins),
    guesses: budget(BURST_LIMITS.guesses),
    guests: budget(BURST_LIMITS.guests),
    introspections: budget(BURST_LIMITS.introspections),
    refreshes: budget(BURST_LIMITS.refreshes),
    audit_events: budget(BURST_LIMITS.audit_events),
    revocations: budget(BURST_LIMITS.revocations),
    client_revocations: budget(BURST_LIMITS.client_revocations),
  },
  'must be a table',
)
