import { describe, expect, it } from 'vitest'
import { decodeProblem, formatProblem, ProblemError, toCliError } from '../../packages/cli/src/api/problem.ts'

function format(code: string, members: Record<string, unknown>): string {
  return formatProblem(decodeProblem({ type: `urn:sallyport:problem:${code}`, ...members }, 400))
}

describe('the text of a problem', () => {
  it('the text of a missing record is the detail without the title', () => {
    const members = { title: 'The record or path does not exist', detail: 'The client does not exist.' }
    expect(format('not-found', members)).toBe('The client does not exist.')
  })

  it('the text gives the reason, then the remedy', () => {
    const members = { title: 'An enabled admin must remain', detail: 'Make somebody else an admin first.' }
    expect(format('last-admin', members)).toBe(
      'An enabled admin must remain. Make somebody else an admin first.',
    )
  })

  it('the text has the title, then one line for each invalid path', () => {
    const errors = [{ path: 'name', message: 'must be text' }]
    expect(format('invalid-content', { title: 'The content is not valid', errors })).toBe(
      'The content is not valid.\n  name: must be text',
    )
  })
})

describe('a problem that ends a command', () => {
  it.each([
    [429, 2, true, 'unavailable', 'It failed.\nTry again in 2 s.'],
    [503, 2, true, 'unavailable', 'It failed.\nTry again in 2 s.'],
    [500, 0, false, 'failed', 'It failed.'],
    [422, 0, false, 'failed', 'It failed.'],
    [409, 0, false, 'conflict', 'It failed.'],
  ])(
    'the command suggests a retry only if a retry can succeed: %i',
    (status, retryAfterSeconds, isTemporary, exitCode, message) => {
      const error = new ProblemError(decodeProblem({ title: 'It failed' }, status), {
        status,
        retryAfterSeconds,
      })
      expect(error.isTemporary).toBe(isTemporary)
      expect(toCliError(error, 'https://id.shop.test')).toMatchObject({ exitCode, message })
    },
  )
})
