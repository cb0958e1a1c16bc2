import type { Context } from 'hono'
import { proofByPasskey } from '../signin/proof.ts'
import { acceptFirstFactor } from './accept_first_factor.ts'
import type { BrowserServices } from './browser_services.ts'
import { provePasskey } from './prove_passkey.ts'
import type { Submission } from './read_submission.ts'
import type { Situation } from './situation.ts'

/** Signs in by a passkey. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function usePasskey(
  c: Context,
  { form, situation }: Pick<Submission, 'form' | 'situation'>,
  services: BrowserServices,
): Promise<Situation> {
  const proven = await provePasskey(c, { form, situation, subject: null }, services)
  const proof = proofByPasskey(proven, situation.browserRequest.context.now)
  const factor = { kind: 'passkey', user: proven.user, proof, signIn: null } as const
  return acceptFirstFactor(c, factor, situation, services)
}
