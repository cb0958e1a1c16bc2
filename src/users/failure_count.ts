import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'

/** What failed sign-ins are counted for: a name in a pool, an address, a client. */
export type FailureKind = 'account' | 'address' | 'client'

export interface FailureKey {
  kind: FailureKind
  /** A keyed hash of the pool and name or of the address; the id of a client. */
  key: string
}

/** What has been counted and is not forgotten yet. */
export interface FailureCount {
  kind: FailureKind
  /** Unix seconds; past or 0 where there is no lock. */
  lockedUntil: number
}

const countsSchema: z.ZodMiniType<FailureCount[]> = z.array(
  z.object({ kind: z.enum(['account', 'address', 'client']), lockedUntil: z.int() }),
)

/** Decodes the counts that a statement gathered as a JSON array. @throws CorruptRecord */
export function decodeFailureCounts(json: string): FailureCount[] {
  return decodeRecord(countsSchema, 'sign-in failures', parseJsonColumn('sign-in failures', json))
}
