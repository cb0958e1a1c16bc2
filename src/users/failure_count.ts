import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'

/**
 * The kinds of counts of failed sign-ins. An account is a username in a pool. An address is an IPv4 address or an IPv6 /64. A
 * site is an IPv6 /56. A network is an IPv6 /48 or an IPv4 /24.
 */
export const FAILURE_KINDS = ['account', 'address', 'site', 'network', 'client'] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]

export interface FailureKey {
  kind: FailureKind
  /** For a client its id; otherwise a keyed hash: of the pool and the username, or of the address or the network. */
  key: string
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

/** Decodes counts from a JSON array. @throws CorruptRecord */
export function decodeFailureCounts(json: string): FailureCount[] {
  return decodeRecord(countsSchema, 'sign-in failures', parseJsonColumn('sign-in failures', json))
}
