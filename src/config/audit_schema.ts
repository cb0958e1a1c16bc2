import { count, daysToSeconds } from './checks.ts'
import { keyWithDefault } from './key.ts'

export const auditKeys = {
  auditRetentionSeconds: keyWithDefault('audit_retention_days', {
    check: daysToSeconds(1, 3650),
    default: 90,
    description: 'How long audit events are kept',
  }),
  auditMaxEvents: keyWithDefault('audit_max_events', {
    check: count(10_000, 20_000_000, 'events'),
    default: 10_000_000,
    description:
      'How many audit events are kept. The sweep removes the oldest ones above this number ([sessions.md](sessions.md#the-sweep))',
  }),
}
