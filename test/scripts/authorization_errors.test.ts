import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AUTHORIZATION_FAILURES } from '../../src/oauth/authorization_failure.ts'

/** A row of the table of authorization errors: its error and its description. */
const ROW = /^\| [^|]+ \| `([a-z_]+)` \| ([A-Z][^|]+) \|$/gm

const [, section = ''] = readFileSync('docs/errors.md', 'utf8').split('## Authorization endpoint')
const [table = ''] = section.split('**Requests without a redirect.**')

describe('the table of authorization errors in docs/errors.md', () => {
  it('the table of authorization errors in docs/errors.md has each error of the source, and no other error', () => {
    const documented = [...table.matchAll(ROW)].map(([, error = '', description = '']) => [
      error,
      description,
    ])
    expect(documented.length).toBeGreaterThan(20)
    expect(documented).toEqual(Object.values(AUTHORIZATION_FAILURES).map((failure) => [...failure]))
  })
})
