import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { COMMANDS } from '../../packages/cli/src/commands.ts'
import { UsageError } from '../../packages/cli/src/core/exit_code.ts'
import { parseCommandLine } from '../../packages/cli/src/core/parse_command_line.ts'
import { parseConfig } from '../../src/config/parse_config.ts'
import { findPages, readCodeBlocks } from '../support/code_blocks.ts'

const blocks = findPages('docs', 'packages', 'CONTRIBUTING.md').flatMap(readCodeBlocks)
const OWN = 'test/scripts/code_blocks.test.ts'
const readme = readCodeBlocks('README.md')
const texts = findPages('docs', 'packages', 'README.md', 'SECURITY.md', 'CONTRIBUTING.md').map((page) =>
  readFileSync(page, 'utf8').replaceAll('\\\n', ''),
)

/** The blocks of a language that are not excerpts, and that no other test runs. */
function examplesIn(language: string) {
  return blocks.filter((block) => block.language === language && block.test?.file === OWN)
}

describe('the code blocks of the documentation', () => {
  it('each block is fenced and has a language', () => {
    expect(blocks.length).toBeGreaterThan(60)
    expect(blocks.filter(({ language }) => language === '').map(({ place }) => place)).toEqual([])
  })

  it('each block is an excerpt or a diagram, or follows the name of the test that runs it', () => {
    const unmarked = blocks.filter(
      ({ language, isExcerpt, test }) => language !== 'mermaid' && isExcerpt === (test !== null),
    )
    expect(unmarked.map(({ place }) => place)).toEqual([])
  })

  it('each named test exists', () => {
    const wrong = blocks.filter(
      ({ test }) =>
        test !== null && !(existsSync(test.file) && readFileSync(test.file, 'utf8').includes(test.name)),
    )
    expect(wrong.map(({ place, test }) => `${place}: ${test?.name}`)).toEqual([])
  })

  it.each(examplesIn('json'))('each JSON example is one document: $place', ({ text }) => {
    expect(() => JSON.parse(text)).not.toThrow()
  })

  it.each(blocks.filter(({ language, isExcerpt }) => language === 'yaml' && isExcerpt))(
    'each YAML excerpt is valid YAML: $place',
    ({ text }) => {
      expect(() =>
        parseAllDocuments(text).map((document) => document.toJS({ maxAliasCount: 10 })),
      ).not.toThrow()
    },
  )

  it.each(examplesIn('yaml'))('the server accepts the keys of each YAML example: $place', ({ text }) => {
    const keys = { ...parse(readFileSync('config.yml', 'utf8')), ...parse(text) }
    expect(parseConfig(JSON.stringify(keys)).issuer).toBe('http://localhost:8787')
  })

  it.each(examplesIn('sql'))('the migrated database accepts each SQL example: $place', ({ text }) => {
    const database = new DatabaseSync(':memory:')
    for (const file of readdirSync('migrations').sort()) {
      database.exec(readFileSync(`migrations/${file}`, 'utf8'))
    }
    expect(() => database.exec(text)).not.toThrow()
  })
})

describe('README.md', () => {
  it.each(readme.filter(({ language }) => language === 'yaml'))(
    'the server accepts the config.yml of the README: $place',
    ({ text }) => {
      expect(parseConfig(text).issuer).toBe('https://id.shop.example')
    },
  )
})

describe('the commands of the documentation', () => {
  const lines = texts.flatMap((text) => [...text.matchAll(/(?:^|[`(])(?:npx )?sallyport ([^`\n]+)/gm)])

  /** The words of a shell command, without a comment, a redirection, a pipe and the end of a substitution. */
  function wordsOf(line: string): string[] {
    const [command = ''] = line.split(/ +#| \\?[<>|] |\)$/)
    return (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'|'$/g, ''))
  }

  /** Prose names a command without its arguments. */
  function findProblem(line: string): string | null {
    const words = wordsOf(line)
    if (COMMANDS.some(({ name }) => name === words.join(' '))) return null
    try {
      parseCommandLine(words, COMMANDS)
      return null
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      return `${line}: ${error.message}`
    }
  }

  it('each sallyport command exists, with its options', () => {
    expect(lines.length).toBeGreaterThan(30)
    expect(lines.flatMap(([, line = '']) => findProblem(line) ?? [])).toEqual([])
  })

  it('each npm script exists in package.json', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>
    }
    const used = texts.flatMap((text) => [...text.matchAll(/npm run (?:--silent\s+)?([\w:-]+)/g)])
    expect(used.length).toBeGreaterThan(30)
    expect(used.map(([, name = '']) => name).filter((name) => !(name in scripts))).toEqual([])
  })
})
