import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../packages/cli/package.json'
import { COMMANDS } from '../../packages/cli/src/commands.ts'
import { formatCompletion } from '../../packages/cli/src/core/completion.ts'
import { formatHelp } from '../../packages/cli/src/core/help.ts'
import { Cli } from '../support/cli.ts'

const run = promisify(execFile)

let cli: Cli
let script: string

beforeAll(async () => {
  cli = await Cli.build()
  script = (await cli.run(['completion', 'bash'])).stdout
})

/** The completions of bash for the last word of a command line. */
async function complete(...words: string[]): Promise<string[]> {
  const code = `${script}
    $(complete -p sallyport | sed 's/.*-F \\([^ ]*\\).*/declare -F \\1/') > /dev/null || exit 1
    COMP_WORDS=(sallyport "$@"); COMP_CWORD=$#; _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['--norc', '-uc', code, 'bash', ...words])
  return stdout.split('\n').filter((line) => line !== '')
}

describe('completion in bash', () => {
  it.each([
    [['cli'], ['clients']],
    [['clients', 'ad'], ['add-secret']],
    [['--server', 'https://id.test', 'keys', 'ro'], ['rotate']],
    [['clients', 'list', '--en'], ['--enabled']],
    [['clients', 'show', 'shop', '--js'], ['--json']],
    [['--vers'], ['--version']],
    [['clients', 'frob'], []],
  ])('%j is completed by %j', async (words, expected) => {
    expect(await complete(...words)).toEqual(expected)
  })

  it('the empty word is completed by each command', async () => {
    const words = new Set(COMMANDS.map(({ name }) => name.split(' ')[0]))
    expect((await complete('')).filter((word) => !word.startsWith('-'))).toEqual([...words])
  })
})

describe('completion in other shells', () => {
  it.each(['zsh', 'fish'] as const)('the script for %s has each command and option', (shell) => {
    const text = formatCompletion(shell, COMMANDS)
    for (const { name, options = [] } of COMMANDS) {
      expect(text).toContain(`'${name}'`)
      for (const option of options)
        expect(text).toContain(shell === 'fish' ? `-l ${option.name}` : `--${option.name}:`)
    }
  })

  it('the command refuses an unknown shell', async () => {
    expect(await cli.run(['completion', 'tcsh'])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'sallyport: SHELL must be one of bash, zsh, fish\n"sallyport completion --help" shows the help.\n',
    })
  })
})

describe('help and version', () => {
  it('sallyport help prints the same text as --help', async () => {
    const text = `${formatHelp('clients create', COMMANDS, 100)}\n`
    expect(await cli.run(['help', 'clients', 'create'])).toEqual({ code: 0, stdout: text, stderr: '' })
    expect(await cli.run(['clients', 'create', '--help'])).toEqual({ code: 0, stdout: text, stderr: '' })
    expect((await cli.run(['help', 'cleints'])).stderr).toContain('did you mean "clients"?')
  })

  it('sallyport --version prints the version of the package', async () => {
    expect(await cli.run(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })
})
