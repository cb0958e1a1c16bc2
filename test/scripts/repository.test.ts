import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const TEXT = /\.(?:ts|tsx|js|json|md|sql|toml|yml|css|html|svg)$/
const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' })
  .split('\n')
  .filter((name) => TEXT.test(name) && existsSync(name))

describe('the repository', () => {
  it('contains no conflict marker of a merge', () => {
    expect(files.length).toBeGreaterThan(200)
    const marked = files.filter((name) => /^(?:<{7}|>{7}) /m.test(readFileSync(name, 'utf8')))
    expect(marked).toEqual([])
  })

  it('has a README of less than 200 lines', () => {
    expect(readFileSync('README.md', 'utf8').split('\n').length).toBeLessThan(200)
  })

  it('links to existing files', () => {
    const broken = files
      .filter((name) => name.endsWith('.md'))
      .flatMap((name) =>
        [...readFileSync(name, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
          .map(([, target = '']) => new URL(target, `file:///${name}`).pathname.slice(1))
          .filter((target) => !existsSync(target))
          .map((target) => `${name} links to ${target}`),
      )
    expect(broken).toEqual([])
  })
})
