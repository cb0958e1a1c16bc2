/** One thing that is wrong with a value, and where: `rows.0.username`. The path of the whole is empty. */
export interface ValueProblem {
  path: string
  message: string
}

/** What a schema found wrong (zod's issues). */
interface Issue {
  code?: string | undefined
  path: PropertyKey[]
  message: string
  keys?: string[] | undefined
  expected?: string | undefined
}

/** What zod says where the schema has no words of its own. */
const WORDLESS = 'Invalid input'

/** Every problem of a value, each key that is not known by its own path. */
export function describeIssues(issues: readonly Issue[]): ValueProblem[] {
  return issues.flatMap(({ code, path, message, keys = [], expected }) => {
    const place = path.map(String)
    if (code === 'unrecognized_keys') {
      return keys.map((key) => ({ path: [...place, key].join('.'), message: 'is not known' }))
    }
    const words =
      message === WORDLESS && expected !== undefined ? `must be a value of the type ${expected}` : message
    return [{ path: place.join('.'), message: words }]
  })
}
