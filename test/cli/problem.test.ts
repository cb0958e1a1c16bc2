import { describe, expect, it } from 'vitest'
import { decodeProblem, formatProblem } from '../../cli/api/problem.ts'

function format(code: string, members: Record<string, unknown>): string {
  return formatProblem(decodeProblem({ type: `urn:sallyport:problem:${code}`, ...members }, 400))
}

describe('a problem in sentences', () => {
  it('is what there is none of, alone', () => {
    const members = { title: 'There is no such thing', detail: 'There is no such client.' }
    expect(format('not-found', members)).toBe('There is no such client.')
  })

  it('is why, then what to do', () => {
    const members = { title: 'An enabled admin must remain', detail: 'Make somebody else an admin first.' }
    expect(format('last-admin', members)).toBe(
      'An enabled admin must remain. Make somebody else an admin first.',
    )
  })

  it('is its title, and each path that is wrong on a line of its own', () => {
    const errors = [{ path: 'name', message: 'must be text' }]
    expect(format('invalid-content', { title: 'The content is not valid', errors })).toBe(
      'The content is not valid.\n  name: must be text',
    )
  })
})
