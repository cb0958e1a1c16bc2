import type { ProvenPasskey } from '../passkeys/sign_in_by_passkey.ts'
import { issueTimeOf, type User } from '../users/user.ts'
import { ONE_FACTOR, TWO_FACTORS } from './authentication_level.ts'

/** How and when a user proved who they are. */
export interface Proof {
  /** When the user proved the first factor. Unix seconds. */
  authTime: number
  /** The methods (RFC 8176). */
  amr: readonly string[]
  /** The level (RFC 9470). */
  acr: string
}

/** The methods of each first factor (RFC 8176), except those of a passkey. */
const AMR = { password: ['pwd'], email_code: ['otp'] } as const

export type FirstFactor = keyof typeof AMR | 'passkey'

/** The proof of one factor. @throws CorruptRecord as `issueTimeOf` */
export function proofBy(factor: keyof typeof AMR, user: User, now: number): Proof {
  return { authTime: issueTimeOf(user, now), amr: AMR[factor], acr: ONE_FACTOR }
}

/** The proof of a passkey alone. With user verification it counts as two factors. @throws CorruptRecord as `issueTimeOf` */
export function proofByPasskey(
  { user, amr, isUserVerified }: Pick<ProvenPasskey, 'user' | 'amr' | 'isUserVerified'>,
  now: number,
): Proof {
  return { authTime: issueTimeOf(user, now), amr, acr: isUserVerified ? TWO_FACTORS : ONE_FACTOR }
}

/** The proof of two factors. @param added The methods of the second one (RFC 8176). */
export function withSecondFactor({ authTime, amr }: Proof, added: readonly string[]): Proof {
  return { authTime, amr: [...new Set([...amr, ...added])], acr: TWO_FACTORS }
}
