import { OAuthError } from '../oauth/errors.ts'
import type { SignInProblem } from '../signin/sign_in_problem.ts'
import { PasswordRefused } from '../users/create_user.ts'
import { InputRefused } from './input_refused.ts'

/** The problem that a page can show; null for another error. */
export function problemOf(error: unknown): SignInProblem | null {
  if (error instanceof InputRefused) return error.problem
  if (error instanceof PasswordRefused) return { kind: 'refused_password', rule: error.rule }
  if (!(error instanceof OAuthError)) return null
  const { refusal } = error
  if (refusal.kind === 'wrong_credentials') return { kind: 'wrong_credentials' }
  if (refusal.kind !== 'too_many_attempts' && refusal.kind !== 'temporarily_unavailable') return null
  const isLimit = refusal.kind === 'too_many_attempts'
  return { kind: 'must_wait', seconds: refusal.retryAfterSeconds, isLimit }
}
