import { InputRefused } from '../../browser/input_refused.ts'
import {
  notAllowed,
  type OAuthError,
  refusedPassword,
  refusedValue,
  temporarilyUnavailable,
  wrongCredentials,
} from '../../oauth/errors.ts'
import type { SignInProblem } from '../../signin/sign_in_problem.ts'
import { PasswordRefused } from '../../users/create_user.ts'

/** Runs an operation, and refuses its refused input as the API does. @throws OAuthError, StorageUnavailable, CorruptRecord */
export async function refuseAsOAuth<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof PasswordRefused) throw refusedPassword(error.rule)
    if (error instanceof InputRefused) throw refusalOf(error.problem)
    throw error
  }
}

function refusalOf(problem: SignInProblem): OAuthError {
  switch (problem.kind) {
    case 'wrong_current_password':
    case 'wrong_code':
      return wrongCredentials(problem.kind)
    case 'no_address':
      return refusedValue('email')
    case 'wrong_name':
      return refusedValue('username')
    case 'refused_text':
      return refusedValue(problem.field)
    case 'unusable_passkey':
      return refusedValue('response')
    case 'expired_form':
      return refusedValue('sealed')
    case 'changed_meanwhile':
    case 'other_session':
      return temporarilyUnavailable('another request changed the account')
    default:
      return notAllowed(problem.kind)
  }
}
