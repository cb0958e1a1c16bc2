import * as z from 'zod/mini'
import { check, count, daysToSeconds, flag, hoursToSeconds, listOfMappings } from './checks.ts'
import { furtherBinding, furtherDatabases } from './further_databases.ts'
import { keyWithDefault, mapping, optionalKey, type ValuesOf } from './key.ts'

const POWER_OF_TWO = 'must be a power of two from 1 to 4096'

const partitions = check(
  z
    .int(POWER_OF_TWO)
    .check(
      z.refine((value) => value >= 1 && value <= 4096 && Number.isInteger(Math.log2(value)), POWER_OF_TWO),
    ),
  { bounds: 'a power of two from 1 to 4096' },
)

const keysOfArchive = {
  partitions: keyWithDefault('partitions', {
    check: partitions,
    default: 1,
    description:
      'How many parts the events of a day have, by a hash of the subject. A search for a subject reads one part of each day ([storage.md](storage.md#audit-archive))',
  }),
  hotSeconds: keyWithDefault('hot_hours', {
    check: hoursToSeconds(1, 720),
    default: 72,
    description:
      'How long sign-ins, refreshes and retries are in D1. Then they are in R2. They move by whole days, and below 24 by whole hours',
  }),
}

const keysOfDatabase = {
  binding: furtherBinding,
  takesNewEvents: keyWithDefault('new_events', {
    check: flag,
    default: false,
    description:
      'Whether it stores new events. Set it in a deployment after the one that added the database ([storage.md](storage.md#audit-databases))',
  }),
}

/** The archive of the audit trail. */
export type AuditArchiveSettings = ValuesOf<typeof keysOfArchive>

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
  auditArchive: optionalKey('audit_archive', {
    check: mapping(keysOfArchive),
    absent: 'all events are rows in D1',
    description:
      'Sends most audit events through a queue to D1 and later to R2, so that the audit trail has no maximum size ([storage.md](storage.md#audit-archive))',
  }),
  auditDatabases: keyWithDefault('audit_databases', {
    check: listOfMappings(keysOfDatabase, furtherDatabases),
    default: [],
    description:
      'Further databases for the events of `audit_archive` ([storage.md](storage.md#audit-databases))',
  }),
}
