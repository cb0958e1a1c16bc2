import * as z from 'zod/mini'
import type { FailureLimits, SignInLimits } from '../config/sign_in_limits_schema.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'

/**
 * The kinds of counts of failed sign-ins. An account is a username in a pool. An address is an IPv4 address or an IPv6 /64. A
 * site is an IPv6 /56. A network is an IPv6 /48 or an IPv4 /24. A second factor is that of a user.
 */
export const FAILURE_KINDS = ['account', 'address', 'site', 'network', 'client', 'second_factor'] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]

export interface FailureKey {
  kind: FailureKind
  /**
   * For a client and the second factor of a user their ids; otherwise a keyed hash: of the pool and the username, or of the
   * address or the network.
   */
  key: string
  /** The name of the database with the count (`UserDatabases`). Absent for the main database. */
  database?: string
}

/** A failure to count, and its limits. */
export interface Failure extends FailureKey {
  limits: FailureLimits
  /** When the count expires, in seconds after its last failure or lock; absent for `sign_in_limits.memory`. */
  memorySeconds?: number
}

/** A lock of a second factor must last longer than the pause of a patient attacker who knows the password. */
const SECOND_FACTOR_MEMORY_SECONDS = 86_400

export function failureOf(key: FailureKey, limits: SignInLimits): Failure {
  if (key.kind !== 'second_factor') return { ...key, limits: limits[key.kind] }
  return { ...key, limits: limits.secondFactor, memorySeconds: SECOND_FACTOR_MEMORY_SECONDS }
}

/** A count that has not expired. Times are Unix seconds. */
export interface FailureCount {
  kind: FailureKind
  /** The number of failures since the last lock. */
  failures: number
  locks: number
  /** The end of the last lock. Without a current lock, it is in the past or 0. */
  lockedUntil: number
  /** The time of the last failure. A successful sign-in does not change it, so it does not reveal whether the username exists. */
  failedAt: number
}

const countsSchema: z.ZodMiniType<FailureCount[]> = z.array(
  z.object({
    kind: z.enum(FAILURE_KINDS),
    failures: z.int(),
    locks: z.int(),
    lockedUntil: z.int(),
    failedAt: z.int(),
  }),
)

/** Selects counts as one JSON array. ?1 is the time, ?2 the keys as JSON. */
export const SELECT_COUNTS = `
  SELECT json_group_array(json_object('kind', kind, 'failures', failures,
    'locks', locks, 'lockedUntil', locked_until, 'failedAt', failed_at)) AS failures
  FROM sign_in_failures WHERE expires_at > ?1 AND (kind, key) IN
    (SELECT json_extract(value, '$.kind'), json_extract(value, '$.key') FROM json_each(?2))`

/** Decodes counts from a JSON array. @throws CorruptRecord */
export function decodeFailureCounts(json: string): FailureCount[] {
  return decodeRecord(countsSchema, 'sign-in failures', parseJsonColumn('sign-in failures', json))
}
