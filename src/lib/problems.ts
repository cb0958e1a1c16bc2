/** A problem of a value. Its path is like `rows.0.username`, or empty for the whole value. */
export interface ValueProblem {
  path: string
  message: string
}

/** An issue that zod reports. */
interface Issue {
  code?: string | undefined
  path: PropertyKey[]
  message: string
  keys?: string[] | undefined
  expected?: string | undefined
}

/** The message of zod for a schema without a message. */
const DEFAULT_MESSAGE = 'Invalid input'

/** Adds the problems of rules between values to the problems of the single values. A value with a problem keeps only that. */
export function addProblems(first: readonly ValueProblem[], more: readonly ValueProblem[]): ValueProblem[] {
  const isRefused = ({ path }: ValueProblem) =>
    first.some((problem) => ['', path].includes(problem.path) || path.startsWith(`${problem.path}.`))
  return [...first, ...more.filter((problem) => !isRefused(problem))]
}

/** Every problem of a value. Each unknown key has its own path. */
export function describeIssues(issues: readonly Issue[]): ValueProblem[] {
  return issues.flatMap(({ code, path, message, keys = [], expected }) => {
    const place = path.map(String)
    if (code === 'unrecognized_keys') {
      return keys.map((key) => ({ path: [...place, key].join('.'), message: 'is not known' }))
    }
    const words =
      message === DEFAULT_MESSAGE && expected !== undefined
        ? `must be a value of the type ${expected}`
        : message
    return [{ path: place.join('.'), message: words }]
  })
}
