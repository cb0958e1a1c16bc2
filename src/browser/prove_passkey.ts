import type { Context } from 'hono'
import type { RequestOptionsJson } from '../passkeys/ceremony_options.ts'
import { PasskeyRefused } from '../passkeys/passkey_refused.ts'
import type { StartedCeremony } from '../passkeys/passkeys.ts'
import { type ProvenPasskey, signInByPasskey } from '../passkeys/sign_in_by_passkey.ts'
import { auditFailure } from './audit_failure.ts'
import type { BrowserServices } from './browser_services.ts'
import { givenPasskey } from './given_passkey.ts'
import { InputRefused } from './input_refused.ts'
import type { Submission } from './read_submission.ts'
import type { Situation } from './situation.ts'

/** Starts a sign-in by any passkey of the pool; null if the pool has none. @param formId The id of the browser. */
export function startSignIn(
  { browserRequest: { api, context } }: Situation,
  formId: string,
  { passkeys }: BrowserServices,
): Promise<StartedCeremony<RequestOptionsJson> | null> {
  return passkeys.startAuthentication({ pool: api.userPool, subject: null, holder: formId }, context.now)
}

/** Starts the proof of a passkey of the user of a pending sign-in. @throws StorageUnavailable, CorruptRecord */
export function startSecondPasskey(
  subject: string,
  { situation: { browserRequest }, formId }: { situation: Situation; formId: string },
  { passkeys }: BrowserServices,
): Promise<StartedCeremony<RequestOptionsJson> | null> {
  const { api, context } = browserRequest
  return passkeys.startAuthentication({ pool: api.userPool, subject, holder: formId }, context.now)
}

interface PasskeyForm extends Pick<Submission, 'form' | 'situation'> {
  /** The user who must own the passkey; null for any user of the pool. */
  subject: string | null
}

/** Checks the passkey of a form. Each refusal has the same words. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function provePasskey(
  c: Context,
  { form, situation, subject }: PasskeyForm,
  services: BrowserServices,
): Promise<ProvenPasskey> {
  const { browserRequest, passkeyRead: read } = situation
  const given = await givenPasskey(c, { form, browserRequest, subject }, services)
  try {
    return await signInByPasskey({ ...given, read }, services, browserRequest.context)
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    auditFailure({ reason: error.reason, about: subject === null ? {} : { subject } }, situation, services)
    const { unknownCredentialId: credentialId } = error
    throw new InputRefused(
      credentialId === null ? { kind: 'refused_passkey' } : { kind: 'unknown_passkey', credentialId },
    )
  }
}
