import type { SignInProblem } from '../signin/next_step.ts'

/** A problem in words, and the status of its page. */
interface ProblemWords {
  text: string
  status: number
}

/** The words of the problems, which say what to do. */
const WORDS: {
  [K in SignInProblem['kind']]: (problem: Extract<SignInProblem, { kind: K }>) => ProblemWords
} = {
  wrong_credentials: () => ({ status: 400, text: 'Wrong username or password.' }),
  must_wait: ({ seconds, isLimit }) => ({
    status: isLimit ? 429 : 503,
    text: `${isLimit ? 'There were too many attempts.' : 'The service is busy.'} Wait ${describeWait(seconds)}, then try again.`,
  }),
  wrong_current_password: () => ({ status: 400, text: 'The current password is wrong.' }),
  different_passwords: () => ({ status: 400, text: 'The two new passwords differ. Type both again.' }),
  refused_password: ({ rule }) => ({
    status: 400,
    text: `${rule.charAt(0).toUpperCase()}${rule.slice(1)}.`,
  }),
  other_account: () => ({
    status: 200,
    text: 'The application asks for another account. Sign in with that account, or cancel.',
  }),
  expired_form: () => ({ status: 400, text: 'The page was open for too long. Nothing happened. Try again.' }),
  no_cookie: () => ({
    status: 400,
    text: 'Your browser sent no cookie. Nothing happened. Allow cookies for this site, then try again.',
  }),
  other_browser: () => ({
    status: 400,
    text: 'The form was made for another browser. Nothing happened. Check the account, then try again.',
  }),
  other_session: () => ({
    status: 409,
    text: 'You signed in or out in another tab. Nothing happened. Check the account, then go on.',
  }),
}

/** @returns the words for a page */
export function describeProblem(problem: SignInProblem): ProblemWords {
  const words = WORDS[problem.kind] as (problem: SignInProblem) => ProblemWords
  return words(problem)
}

function describeWait(seconds: number): string {
  if (seconds < 90) return `${seconds} seconds`
  return `${Math.ceil(seconds / 60)} minutes`
}
