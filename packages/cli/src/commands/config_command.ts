import { readFile } from 'node:fs/promises'
import { isCode } from '../api/file_lock.ts'
import type { Command } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { printJson } from './output.ts'

const check: Command = {
  name: 'config check',
  summary: 'Checks a config.yml, and lists every problem by its path; asks no server',
  arguments: [{ name: 'FILE', summary: 'config.yml where absent', isOptional: true }],
  async run(call) {
    const { terminal, input } = call
    const file = input.find('FILE') ?? 'config.yml'
    // The one command that needs the schema, which is most of the program.
    const [{ parseConfig }, { ConfigError }] = await Promise.all([
      import('../../../../src/config/parse_config.ts'),
      import('../../../../src/config/config.ts'),
    ])
    const text = await readFile(file, 'utf8').catch((error) => {
      throw new CliError(
        'failed',
        `${file}: ${isCode(error, 'ENOENT') ? 'there is no such file' : error.message}`,
      )
    })
    try {
      const { issuer, apis } = parseConfig(text)
      if (input.has(JSON_OUTPUT)) return printJson(call, { issuer, apis: [...apis.keys()] })
      terminal.print(`${file} is good: ${issuer}, ${[...apis.keys()].join(', ')}`)
    } catch (error) {
      if (error instanceof ConfigError)
        throw new CliError('failed', error.message.replace(/^config\.yml/, file))
      throw error
    }
  },
}

export const CONFIG_COMMANDS: readonly Command[] = [check]
