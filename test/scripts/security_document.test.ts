import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** Sections that describe a procedure or the limits of the product's scope, not the behaviour of the code. */
const WITHOUT_TESTS = ['Reporting a vulnerability', 'Out of scope']

/** A reference from a statement to its test: `<!-- guests.test.ts: a part of the test's name -->`. */
const REFERENCE = /<!-- ([\w./-]+\.test\.ts): (.+?) -->/g

/** The shortest part of a title that names one test. */
const SHORTEST_NAME = 12

interface Statement {
  section: string
  text: string
  tests: { file: string; name: string }[]
}

/** The list items of SECURITY.md, each with the tests that it refers to. */
function readStatements(): Statement[] {
  const [, ...sections] = readFileSync('SECURITY.md', 'utf8').split(/^## /m)
  return sections.flatMap((section) => {
    const [heading = '', ...lines] = section.split('\n')
    return lines
      .join('\n')
      .split(/^- /m)
      .slice(1)
      .map((item) => ({
        section: heading,
        text: item.replace(REFERENCE, '').replace(/\s+/g, ' ').trim(),
        tests: [...item.matchAll(REFERENCE)].map(([, file = '', name = '']) => ({
          file: `test/${file}`,
          name,
        })),
      }))
  })
}

describe('SECURITY.md', () => {
  const statements = readStatements().filter(({ section }) => !WITHOUT_TESTS.includes(section))

  it('SECURITY.md names a test for each statement', () => {
    expect(statements.length).toBeGreaterThan(40)
    expect(statements.filter(({ tests }) => tests.length === 0).map(({ text }) => text)).toEqual([])
  })

  it('SECURITY.md names tests that exist', () => {
    const missing = statements
      .flatMap(({ tests }) => tests)
      .filter(({ file, name }) => !existsSync(file) || !readFileSync(file, 'utf8').includes(name))
    expect(missing).toEqual([])
  })

  it('SECURITY.md names each test by at least twelve characters of its title', () => {
    const short = statements.flatMap(({ tests }) => tests).filter(({ name }) => name.length < SHORTEST_NAME)
    expect(short).toEqual([])
  })

  it('SECURITY.md has statements of at most three sentences', () => {
    const long = statements.filter(({ text }) => (text.match(/[.:](?= |$)/g) ?? []).length > 3)
    expect(long.map(({ text }) => text)).toEqual([])
  })
})
