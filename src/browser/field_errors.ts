import type { FieldErrors } from '../pages/fields.tsx'
import type { ProblemWords } from './problem_words.ts'

/** The problem at its field; null if the last input was accepted. */
export function fieldErrors(problem: ProblemWords | null): FieldErrors | null {
  if (problem === null) return null
  const { field, text } = problem
  return { errorsOf: (name) => (name === field ? [text] : []), isFirst: (name) => name === field }
}
