import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A fenced code block of a Markdown page. */
export interface CodeBlock {
  /** The page and the line of the fence, such as `docs/cli.md:10`. */
  place: string
  language: string
  /** The info string ends with the word `excerpt`: no test runs the block. */
  isExcerpt: boolean
  /** The comment before the block, `<!-- file.test.ts: title -->`, names the test that runs it. */
  test: { file: string; name: string } | null
  text: string
}

const FENCE = /^```(\w*)( excerpt)?$/
const REFERENCE = /^<!-- ([\w./-]+\.test\.ts): (.+) -->$/

/** The Markdown pages of the repository at these paths. */
export function findPages(...paths: string[]): string[] {
  const names = execFileSync('git', ['ls-files', ...paths], { encoding: 'utf8' })
  return names.split('\n').filter((name) => name.endsWith('.md'))
}

/** The code blocks of a page. An indented block is one without a language. */
export function readCodeBlocks(page: string): CodeBlock[] {
  const lines = readFileSync(page, 'utf8').split('\n')
  const blocks: CodeBlock[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? ''
    const place = `${page}:${i + 1}`
    if (line.startsWith('```')) {
      const end = lines.indexOf('```', i + 1)
      const [, language = '', excerpt] = FENCE.exec(line) ?? []
      const [, file, name = ''] = REFERENCE.exec(lines[i - 1] ?? '') ?? []
      const test = file === undefined ? null : { file: `test/${file}`, name }
      const text = lines.slice(i + 1, end).join('\n')
      blocks.push({ place, language, isExcerpt: excerpt !== undefined, test, text })
      i = end
    } else if (line.startsWith('    ') && lines[i - 1] === '') {
      blocks.push({ place, language: '', isExcerpt: false, test: null, text: line })
    }
  }
  return blocks
}
