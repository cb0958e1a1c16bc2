import { configCheck, type Settings } from './schema.ts'

/** config.yml is invalid. `problems` has one line for each problem: `path: the rule for the value`. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`config.yml:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

type DescribeKey = (path: readonly string[]) => string

/**
 * Checks the content of config.yml. The Worker does not import this module: it gets the checked values (docs/decisions/0021).
 *
 * @param document The value that a YAML parser returns.
 * @param describeUnknownKey Makes the message for an unknown key, by its keys from the top.
 * @throws ConfigError, with all problems
 */
export function readSettings(
  document: unknown,
  describeUnknownKey: DescribeKey = () => 'is not a known key',
): Settings {
  const result = configCheck.schema.safeParse(document)
  if (result.success) return configCheck.read(result.data)
  throw new ConfigError(result.error.issues.flatMap((issue) => describeIssue(issue, describeUnknownKey)))
}

type Issue = { code?: string; path: PropertyKey[]; message: string; keys?: string[] }

function describeIssue(issue: Issue, describeKey: DescribeKey): string[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const unknown = (issue.keys ?? []).map((key) => [...path, key])
    return unknown.map((keys) => `${keys.join('.')}: ${describeKey(keys)}`)
  }
  const message = issue.code === 'invalid_key' ? 'must be a lower-case name' : issue.message
  return [`${path.join('.') || '(top level)'}: ${message}`]
}
