import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const PLACES = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'docs',
  'src',
  'packages',
  'bench',
  'examples',
  'scripts',
]

/** Words of sentences without a named subject. docs/glossary.md has the terms to use. */
const VAGUE = /\b(?:whoever|nobody|whatever|what there is|there is none)\b/i

const TEXT = /\.(?:ts|tsx|js|json|md|sql|toml|yml|css|html|svg)$/
const files = execFileSync('git', ['ls-files', ...PLACES], { encoding: 'utf8' })
  .split('\n')
  .filter((name) => TEXT.test(name) && existsSync(name))

describe('the language of the project', () => {
  it('each sentence of the project names its subject', () => {
    expect(files.length).toBeGreaterThan(200)
    const found = files.flatMap((name) =>
      readFileSync(name, 'utf8')
        .split('\n')
        .map((line, i) => ({ place: `${name}:${i + 1}`, line: line.trim() }))
        .filter(({ line }) => VAGUE.test(line))
        .map(({ place, line }) => `${place}: ${line}`),
    )
    expect(found).toEqual([])
  })
})
