import * as z from 'zod/mini'

/**
 * A rule for several fields together. It also runs if a field is invalid, so one run reports all problems. It skips an invalid
 * field, because the check of the field reports it.
 */
export function across<T>(isKept: (value: T) => boolean, path: string, message: string) {
  const rule = (value: unknown): boolean => {
    try {
      return isKept(value as T)
    } catch {
      return true
    }
  }
  return z.refine<T>(rule, { path: [path], message, when: () => true })
}

/** A problem at a path inside a value. */
export interface PathProblem {
  path: string[]
  message: string
}

/** As `across`, for a rule that finds the paths of its problems. */
export function acrossPaths<T>(find: (value: T) => PathProblem[]) {
  return z.superRefine<T>(
    (value, context) => {
      for (const problem of findOrSkip(find, value)) context.addIssue({ code: 'custom', ...problem })
    },
    { when: () => true },
  )
}

function findOrSkip<T>(find: (value: T) => PathProblem[], value: T): PathProblem[] {
  try {
    return find(value)
  } catch {
    return []
  }
}
