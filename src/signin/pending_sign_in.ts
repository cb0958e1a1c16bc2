import * as z from 'zod/mini'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import type { Proof } from './proof.ts'

/** A sign-in without its second factor. The form contains it sealed, so the browser has no cookie of it. */
export const pendingSchema = z.object({
  subject: z.string(),
  /** Unix seconds. */
  authTime: z.int(),
  amr: z.array(z.string()),
  acr: z.string(),
  /** The failures of the account that the sign-in has read. The finished sign-in removes them. */
  seen: z.nullable(z.object({ failures: z.int(), locks: z.int() })),
})

export type SealedPending = z.output<typeof pendingSchema>

/** The pending sign-in, and the current record of its user. */
export interface PendingSignIn extends Proof {
  user: User
  seen: VerifiedSignIn['seen']
}

export function sealPending({ user, authTime, amr, acr, seen }: PendingSignIn): SealedPending {
  const read = seen && { failures: seen.failures, locks: seen.locks }
  return { subject: user.id, authTime, amr: [...amr], acr, seen: read }
}
