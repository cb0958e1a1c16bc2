import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const TEXT = /\.(?:ts|tsx|js|json|md|sql|toml|yml|css|html|svg)$/
const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' })
  .split('\n')
  .filter((name) => TEXT.test(name) && existsSync(name))

/** A spread of a literal object or array. A rest parameter and a spread of a method's result are none. */
const SPREAD_LITERAL = /\.\.\.(?:\{|\[[^[\]]*\](?!\s*[.[?(:]))/

describe('the repository', () => {
  it('the repository contains no conflict marker of a merge', () => {
    expect(files.length).toBeGreaterThan(200)
    const marked = files.filter((name) => /^(?:<{7}|>{7}) /m.test(readFileSync(name, 'utf8')))
    expect(marked).toEqual([])
  })

  it('the code spreads no literal: its members stand in the outer literal', () => {
    const code = files.filter((name) => /\.(?:ts|tsx|js)$/.test(name))
    expect(code.filter((name) => SPREAD_LITERAL.test(readFileSync(name, 'utf8')))).toEqual([])
  })

  it('the repository has a README of less than 200 lines', () => {
    expect(readFileSync('README.md', 'utf8').split('\n').length).toBeLessThan(200)
  })

  it('the repository links to existing files', () => {
    const broken = files
      .filter((name) => name.endsWith('.md'))
      .flatMap((name) =>
        [...readFileSync(name, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
          .map(([, target = '']) => pathFrom(name, target))
          .filter((target) => !existsSync(target))
          .map((target) => `${name} links to ${target}`),
      )
    expect(broken).toEqual([])
  })

  it('docs/README.md links to every page of the documentation', () => {
    const index = readFileSync('docs/README.md', 'utf8')
    const pages = files.filter((name) => /^docs\/(?!decisions\/|README\.md$).*\.md$/.test(name))
    expect(pages.length).toBeGreaterThan(20)
    expect(pages.filter((name) => !index.includes(`](${name.slice('docs/'.length)}`))).toEqual([])
  })

  it('the repository links to existing headings', () => {
    const broken = files
      .filter((name) => name.endsWith('.md'))
      .flatMap((name) =>
        [...readFileSync(name, 'utf8').matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)/g)]
          .map(([, target = '', anchor = '']) => ({ page: pathFrom(name, target), anchor }))
          .filter(({ page, anchor }) => !anchorsOf(page).includes(anchor))
          .map(({ page, anchor }) => `${name} links to ${page}#${anchor}`),
      )
    expect(broken).toEqual([])
  })
})

/** The path in the repository that a relative link of a page leads to. */
function pathFrom(page: string, target: string): string {
  return target === '' ? page : new URL(target, `file:///${page}`).pathname.slice(1)
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  )
}
