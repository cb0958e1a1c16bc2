import * as z from 'zod/mini'
import { requestedCodeSchema } from '../signin/mailed_codes.ts'
import { provenAddressSchema } from './sign_up.ts'

/** The sign-up of a visitor who has requested a code. */
export const startedSignUpSchema = z.object({
  /** The code that the visitor has requested. */
  requested: requestedCodeSchema,
  /** The address after the right code; null before. */
  proven: z.nullable(provenAddressSchema),
})
export type StartedSignUp = z.output<typeof startedSignUpSchema>
