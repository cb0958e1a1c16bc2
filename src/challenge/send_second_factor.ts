import type { User } from '../users/user.ts'
import type { ChallengeServices } from './challenge_services.ts'
import type { Input } from './input.ts'
import { callerOf, languageOf, type Step } from './step.ts'

/**
 * Sends a code by mail, after the response, if the second factor of the user is such a code. The user has proven the password.
 *
 * @returns the token of the code; null without one
 * @throws OAuthError too_many_attempts; StorageUnavailable
 */
export async function sendSecondFactor(
  step: Step,
  { user, next }: { user: User; next: readonly Input[] },
  { emailSecondFactor }: Pick<ChallengeServices, 'emailSecondFactor'>,
): Promise<string | null> {
  if (!next.includes('email_code')) return null
  const mail = { ...callerOf(step), user, device: null, language: languageOf(step) }
  return emailSecondFactor.send(mail, step.request.context)
}
