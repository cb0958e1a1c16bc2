// JavaScript without dependencies, so that a git hook can run it with any Node.
const MAX_LENGTH = 72
const TYPES = ['feat', 'fix', 'test', 'docs', 'refactor', 'perf', 'build', 'ci', 'chore']
const FORM = new RegExp(`^(?:${TYPES.join('|')})(?:\\([a-z0-9_ -]+\\))?: (\\S+) \\S`)
/** Subjects that git writes itself. */
const WRITTEN_BY_GIT = /^(?:Merge |Revert "|fixup! |squash! )/
/** Endings of a word that is not an imperative: "adds", "added", "adding". */
const NOT_IMPERATIVE = /(?:[^su]s|[^e]ed|ing)$/
/** Imperatives with such an ending. */
const IMPERATIVES = new Set(['bring', 'embed', 'shed', 'string'])

/**
 * Checks the subject of a commit.
 *
 * @param {string} subject
 * @returns {string | null} What is wrong; null if the subject follows the rules of CONTRIBUTING.md
 */
export function findSubjectProblem(subject) {
  if (WRITTEN_BY_GIT.test(subject)) return null
  if (subject.length > MAX_LENGTH) return `has ${subject.length} characters; the limit is ${MAX_LENGTH}`
  const [, verb] = FORM.exec(subject) ?? []
  if (verb === undefined) return `must be "type(scope): change"; the types are ${TYPES.join(', ')}`
  if (verb !== verb.toLowerCase()) return 'must start with a lower-case verb after the colon'
  if (NOT_IMPERATIVE.test(verb) && !IMPERATIVES.has(verb)) {
    return `must be imperative: "add", not "adds", "added" or "adding"; found "${verb}"`
  }
  return null
}
