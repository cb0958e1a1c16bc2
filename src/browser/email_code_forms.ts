import type { Context } from 'hono'
import { accountsOf } from '../config/pool_settings.ts'
import { readTypedName } from '../signin/email_codes.ts'
import { advance } from '../signin/next_step.ts'
import { proofBy } from '../signin/proof.ts'
import { acceptFirstFactor } from './accept_first_factor.ts'
import { auditFailure } from './audit_failure.ts'
import type { BrowserServices } from './browser_services.ts'
import { codeCallerOf } from './code_caller.ts'
import { InputRefused } from './input_refused.ts'
import { languageOf } from './looks.ts'
import type { Submission } from './read_submission.ts'
import type { Situation } from './situation.ts'

/** Whether users of the pool can sign in by a code in place of a password. */
export function offersEmailCode(
  { browserRequest: { api } }: Pick<Situation, 'browserRequest'>,
  { config }: Pick<BrowserServices, 'config'>,
): boolean {
  return accountsOf(api.userPool, config).emailCode === 'sign_in'
}

/** Stores a code for the typed name. The mail follows after the response. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function requestEmailCode(
  c: Context,
  { form, situation }: Pick<Submission, 'form' | 'situation'>,
  services: BrowserServices,
): Promise<Situation> {
  const { api, context } = situation.browserRequest
  const name = readTypedName(form.text('username'))
  if (name === null) throw new InputRefused({ kind: 'missing_name' })
  const language = languageOf(c)
  const caller = await codeCallerOf(c, situation, services)
  const device = await services.cookies.device(api.userPool).read(c)
  const requestedCode = await services.emailCodes.request({ ...caller, name, language, device }, context)
  const known = advance(situation.known, { kind: 'requested_email_code' })
  return { ...situation, requestedCode, known }
}

/** Signs in by a code. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function useEmailCode(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  const { requestedCode: requested, browserRequest } = situation
  if (requested === null || !offersEmailCode(situation, services))
    throw new InputRefused({ kind: 'expired_form' })
  const caller = await codeCallerOf(c, situation, services)
  const attempt = { ...caller, requested, code: form.text('email_code') }
  const result = await services.emailCodes.verify(attempt, browserRequest.context)
  if (result.kind === 'proven') {
    const proof = proofBy('email_code', result.user, browserRequest.context.now)
    const factor = { kind: 'email_code', user: result.user, proof, signIn: null } as const
    return acceptFirstFactor(c, factor, situation, services)
  }
  const about = result.subject === null ? {} : { subject: result.subject }
  auditFailure({ reason: 'wrong email code', about }, situation, services)
  throw new InputRefused({ kind: 'wrong_code', factor: 'email_code' })
}
