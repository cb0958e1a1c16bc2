import type { Context } from 'hono'
import { MAX_NAME_CHARACTERS, readName, readNewAddress } from '../accounts/sign_up.ts'
import type { StartedSignUp } from '../accounts/started_sign_up.ts'
import { advance, type SignUpStep } from '../signin/next_step.ts'
import { proofBy } from '../signin/proof.ts'
import type { SignInProblem } from '../signin/sign_in_problem.ts'
import { acceptFirstFactor } from './accept_first_factor.ts'
import { auditFailure } from './audit_failure.ts'
import type { BrowserServices } from './browser_services.ts'
import { codeCallerOf } from './code_caller.ts'
import { InputRefused } from './input_refused.ts'
import { languageOf } from './looks.ts'
import { canHavePasskey } from './passkey_button.tsx'
import type { Submission } from './read_submission.ts'
import type { Situation } from './situation.ts'

const WRONG_CODE = { kind: 'wrong_code', factor: 'email_code' } as const

/** Whether visitors can create accounts in the pool. */
export function offersSignUp(
  { browserRequest: { api } }: Pick<Situation, 'browserRequest'>,
  { signUps }: Pick<BrowserServices, 'signUps'>,
): boolean {
  return signUps.isOpen(api.userPool)
}

/** Stores a code for the typed address. The mail follows after the response. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function requestSignUp(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  requireOpen(situation, services)
  const address = readNewAddress(form.text('username'))
  if (address === null) throw new InputRefused({ kind: 'no_address' })
  const language = languageOf(c)
  const caller = await codeCallerOf(c, situation, services)
  const { context } = situation.browserRequest
  const requested = await services.signUps.request({ ...caller, address, language }, context)
  return goTo('sign_up_code', { requested, proven: null }, situation)
}

/** Tries the code of the mail. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function useSignUpCode(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  requireOpen(situation, services)
  const { signUp, browserRequest } = situation
  if (signUp === null) throw new InputRefused({ kind: 'expired_form' })
  const { requested } = signUp
  const caller = await codeCallerOf(c, situation, services)
  const attempt = { ...caller, requested, code: form.text('email_code') }
  const result = await services.signUps.verify(attempt, browserRequest.context)
  if (result.kind === 'proven')
    return goTo('create_account', { requested, proven: result.address }, situation)
  auditFailure({ reason: 'wrong sign-up code', about: {} }, situation, services)
  throw new InputRefused(WRONG_CODE)
}

/** Creates the account and signs the user in. @throws InputRefused, PasswordRefused, OAuthError, StorageUnavailable */
export async function useNewAccount(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  requireOpen(situation, services)
  const { signUp, browserRequest } = situation
  if (!signUp?.proven) throw new InputRefused({ kind: 'expired_form' })
  const password = form.text('password')
  if (password !== form.text('repeated')) throw new InputRefused({ kind: 'different_passwords' })
  const name = readName(form.text('name'))
  if (name === undefined)
    throw new InputRefused({ kind: 'refused_text', field: 'name', longest: MAX_NAME_CHARACTERS })
  const language = languageOf(c)
  const caller = await codeCallerOf(c, situation, services)
  const account = { ...caller, address: signUp.proven, password, name, language }
  const result = await services.signUps.create(account, browserRequest.context)
  switch (result.kind) {
    case 'created': {
      const { user } = result
      const proof = proofBy('password', user, browserRequest.context.now)
      const factor = { kind: 'password', user, proof, signIn: null } as const
      return acceptFirstFactor(c, factor, { ...situation, canHavePasskey: canHavePasskey(form) }, services)
    }
    case 'taken':
      return goBackTo('sign_up_code', WRONG_CODE, { ...situation, signUp: { ...signUp, proven: null } })
    case 'expired':
      return goBackTo('sign_up', { kind: 'expired_form' }, { ...situation, signUp: null })
  }
}

/** The configuration can have changed since the page was shown. @throws InputRefused */
function requireOpen(situation: Situation, services: BrowserServices): void {
  if (!offersSignUp(situation, services)) throw new InputRefused({ kind: 'expired_form' })
}

function goTo(step: SignUpStep, signUp: StartedSignUp, situation: Situation): Situation {
  return { ...situation, signUp, known: advance(situation.known, { kind: 'sign_up', step }) }
}

/** Shows an earlier page with a problem. */
function goBackTo(step: SignUpStep, problem: SignInProblem, situation: Situation): Situation {
  const known = advance(situation.known, { kind: 'sign_up', step })
  return { ...situation, known: advance(known, { kind: 'refused', step, problem }) }
}
