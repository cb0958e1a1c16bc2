import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'

/**
 * What failed sign-ins are counted for: a name in a pool; an address (IPv4, or the /64 of IPv6); the networks around it (a
 * site is an IPv6 /56, a network an IPv6 /48 or an IPv4 /24); a client.
 */
export const FAILURE_KINDS = ['account', 'address', 'site', 'network', 'client'] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]

export interface FailureKey {
  kind: FailureKind
  /** A keyed hash of the pool and name, or of the address or network; the id of a client. */
  key: string
}

/** A count that is not forgotten yet. Times are Unix seconds. */
export interface FailureCount {
  kind: FailureKind
  /** Since the last lock. */
  failures: number
  locks: number
  /** In the past, or 0, where there is no lock. */
  lockedUntil: number
  /** The last failure. A sign-in that succeeds does not change it, so it does not show whether the username exists. */
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

/** Decodes the counts that a statement gathered as a JSON array. @throws CorruptRecord */
export function decodeFailureCounts(json: string): FailureCount[] {
  return decodeRecord(countsSchema, 'sign-in failures', parseJsonColumn('sign-in failures', json))
}
