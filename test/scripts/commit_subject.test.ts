import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { findSubjectProblem } from '../../scripts/commit_subject.js'

const LONG = `fix(clients): ${'x'.repeat(30)} ${'y'.repeat(30)}`

describe('the check of a commit subject', () => {
  it.each([
    'fix(clients): keep a retired secret until its end',
    'docs: describe the retry window',
    'feat(sign_in): bring back the lock of an account',
    'test: process a page of results',
    'Merge main into feature',
    'Revert "fix(clients): keep a retired secret"',
  ])('the check of a commit subject accepts an imperative subject: %s', (subject) => {
    expect(findSubjectProblem(subject)).toBeNull()
  })

  it.each([
    [LONG, 'has 75 characters; the limit is 72'],
    ['keep a retired secret', 'must be "type(scope): change"; the types are'],
    ['fix(clients) keep a retired secret', 'must be "type(scope): change"; the types are'],
    ['feature(clients): keep a secret', 'must be "type(scope): change"; the types are'],
    ['fix(clients): Keep a secret', 'must start with a lower-case verb after the colon'],
    ['fix(clients): keeps a secret', 'must be imperative'],
    ['fix(clients): added a secret', 'must be imperative'],
    ['fix(clients): adding a secret', 'must be imperative'],
  ])('the check of a commit subject names the problem of the subject: %s', (subject, problem) => {
    expect(findSubjectProblem(subject)).toContain(problem)
  })

  it('the hook stops a commit with a wrong subject and accepts a correct subject', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'commit-')), 'message')
    const hook = () => promisify(execFile)('.githooks/commit-msg', [file])
    writeFileSync(file, 'fix(clients): keep a secret\n\nThe reason.\n')
    await expect(hook()).resolves.toEqual({ stdout: '', stderr: '' })
    writeFileSync(file, 'fix(clients): keeps a secret\n')
    await expect(hook()).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('must be imperative'),
    })
  })
})
