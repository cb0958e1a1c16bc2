import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../packages/cli/src/commands.ts'
import { EXIT_CODES } from '../../packages/cli/src/core/exit_code.ts'
import { formatSyntax } from '../../packages/cli/src/core/help.ts'
import { clientRows } from '../../packages/cli/src/import/client_rows.ts'
import { FORMATS } from '../../packages/cli/src/import/import_file.ts'
import { NULL_MARKERS } from '../../packages/cli/src/import/null_markers.ts'
import { PRESETS } from '../../packages/cli/src/import/presets.ts'
import { userRows } from '../../packages/cli/src/import/user_rows.ts'
import { OPERATIONS } from '../../src/admin/operations.ts'

const page = readFileSync('docs/cli.md', 'utf8')
const importPage = readFileSync('docs/importing.md', 'utf8')

/** The rows of the table under a title. */
function rowsUnder(title: string, text = page): string[] {
  const [, rest = ''] = text.split(`| ${title} |`)
  const [, , ...lines] = rest.split('\n')
  return lines.slice(0, lines.indexOf(''))
}

describe('docs/cli.md', () => {
  it('the page describes each command as the table of commands does', () => {
    expect(rowsUnder('command | effect')).toEqual(
      COMMANDS.map((command) => `| \`${formatSyntax(command)}\` | ${command.summary} |`),
    )
  })

  it('the page lists each exit code', () => {
    expect(rowsUnder('exit code | meaning')).toEqual(
      Object.values(EXIT_CODES).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    )
  })
})

describe('docs/importing.md', () => {
  it.each([
    ['users', userRows({})],
    ['clients', clientRows(undefined)],
  ])('the page lists each column of %s', (what, { columns }) => {
    expect(rowsUnder(`column of ${what} |`, importPage)).toEqual(
      columns.map(({ name, summary }) => `| \`${name}\` | ${summary} |`),
    )
  })

  it('the page lists each preset, format, NULL marker and option', () => {
    for (const { name } of PRESETS) expect(importPage).toContain(`\n| \`${name}\` | `)
    for (const format of FORMATS) expect(importPage).toContain(`\n| \`${format}\` | `)
    for (const marker of NULL_MARKERS) expect(importPage).toContain(`\`${marker}\``)
    const own = COMMANDS.filter(({ name }) => name.startsWith('import ')).flatMap(
      ({ options = [] }) => options,
    )
    for (const { name } of own) expect(importPage).toContain(`--${name}`)
  })
})

describe('the table of commands', () => {
  const offered = OPERATIONS.map(({ method, path }) => `${method} ${path}`)
  const used = new Set(COMMANDS.flatMap(({ operations = [] }) => operations))

  it('each command uses an operation of the admin API', () => {
    expect([...used].filter((operation) => !offered.includes(operation))).toEqual([])
  })

  it('each operation of the admin API has a command', () => {
    expect(offered.filter((operation) => !used.has(operation))).toEqual([])
  })
})
