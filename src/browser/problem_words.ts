import type { Config } from '../config/config.ts'
import { describeWait } from '../pages/languages/describe_wait.ts'
import type { SignInProblem } from '../signin/sign_in_problem.ts'
import { MAX_PASSWORD_CHARACTERS } from '../users/password.ts'
import type { Looks } from './looks.ts'

/** The text of a problem, which says what the user can do. */
export interface ProblemWords {
  text: string
  status: number
  /** The field that the user must fill again; null if the text is about the whole page. */
  field: string | null
  /** The id of the refused passkey that the server does not have; absent for another problem. */
  unknownPasskey?: string
}

/** Describes a problem in the language of the page. */
export function describeProblem(
  problem: SignInProblem,
  { texts, language }: Looks,
  config: Pick<Config, 'minimumPasswordLength'>,
): ProblemWords {
  const { problems } = texts
  const refused = { status: 400, field: null }
  switch (problem.kind) {
    case 'wrong_credentials':
      return { ...refused, text: problems.wrongCredentials }
    case 'must_wait': {
      const words = problem.isLimit ? problems.tooManyAttempts : problems.busy
      const text = words(describeWait(problem.seconds, language))
      return { text, status: problem.isLimit ? 429 : 503, field: null }
    }
    case 'wrong_current_password':
      return { ...refused, text: problems.wrongCurrentPassword, field: 'current_password' }
    case 'wrong_code':
      return { ...refused, text: problems.wrongCode[problem.factor], field: problem.factor }
    case 'refused_passkey':
      return { ...refused, text: problems.refusedPasskey }
    case 'unknown_passkey':
      return { ...refused, text: problems.refusedPasskey, unknownPasskey: problem.credentialId }
    case 'unusable_passkey':
      return { ...refused, text: problems.unusablePasskey }
    case 'missing_name':
      return { ...refused, text: problems.missingName, field: 'username' }
    case 'no_address':
      return { ...refused, text: problems.noAddress, field: 'username' }
    case 'different_passwords':
      return { ...refused, text: problems.differentPasswords, field: 'password' }
    case 'refused_password':
      return { ...refused, text: describeRule(problem.rule, texts, config), field: 'password' }
    case 'refused_text':
      return { ...refused, text: problems.refusedText(problem.longest), field: problem.field }
    case 'changed_meanwhile':
      return { text: problems.changedMeanwhile, status: 409, field: null }
    case 'wrong_name':
      return { ...refused, text: problems.wrongName, field: 'username' }
    case 'last_admin':
      return { text: texts.accountPage.deletion.lastAdmin, status: 409, field: null }
    case 'other_account':
      return { text: problems.otherAccount, status: 200, field: null }
    case 'expired_form':
      return { ...refused, text: problems.expiredForm }
    case 'no_cookie':
      return { ...refused, text: problems.noCookie }
    case 'other_browser':
      return { ...refused, text: problems.otherBrowser }
    case 'other_session':
      return { text: problems.otherSession, status: 409, field: null }
  }
}

function describeRule(
  rule: Extract<SignInProblem, { kind: 'refused_password' }>['rule'],
  { problems }: Looks['texts'],
  { minimumPasswordLength }: Pick<Config, 'minimumPasswordLength'>,
): string {
  switch (rule) {
    case 'length':
      return problems.passwordLength(minimumPasswordLength, MAX_PASSWORD_CHARACTERS)
    case 'common':
      return problems.commonPassword
    case 'breached':
      return problems.breachedPassword
    case 'same':
      return problems.samePassword
  }
}
