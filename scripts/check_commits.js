// `node scripts/check_commits.js main..HEAD` checks the subjects of a range of commits. The hook .githooks/commit-msg checks
// the message that git has written into a file: `node scripts/check_commits.js --message <file>`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findSubjectProblem } from './commit_subject.js'

const [first = 'HEAD~1..HEAD', file] = process.argv.slice(2)
const problems = readSubjects().flatMap((subject) => {
  const problem = findSubjectProblem(subject)
  return problem === null ? [] : [`${subject}\n  ${problem}`]
})
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}

function readSubjects() {
  if (first === '--message') return [readFileSync(file, 'utf8').split('\n', 1)[0] ?? '']
  const log = execFileSync('git', ['log', '--format=%s', first, '--'], { encoding: 'utf8' })
  return log.split('\n').filter((subject) => subject !== '')
}
