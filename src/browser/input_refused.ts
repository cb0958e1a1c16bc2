import type { SignInProblem } from '../signin/sign_in_problem.ts'

/** The input of a form is refused. The page of the form shows the problem. */
export class InputRefused extends Error {
  override name = 'InputRefused'
  readonly problem: SignInProblem

  constructor(problem: SignInProblem) {
    super(problem.kind)
    this.problem = problem
  }
}
