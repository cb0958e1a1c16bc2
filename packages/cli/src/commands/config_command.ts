import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isCode } from '../api/file_lock.ts'
import type { Command } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { printJson } from './output.ts'

/** The module of the server that checks a file. `problems` is one text with a line for each problem. */
interface ConfigChecker {
  checkConfig(text: string): { issuer: string; apis: string[] } | { problems: string }
}

const check: Command = {
  name: 'config check',
  summary: 'Check a config.yml and list each problem with its path. Sends no request',
  details: 'Run it in the project of the server: the command uses the schema of the server in that project.',
  arguments: [{ name: 'FILE', summary: 'Default: config.yml', isOptional: true }],
  async run(call) {
    const { terminal, input } = call
    const file = input.find('FILE') ?? 'config.yml'
    const text = await readFile(file, 'utf8').catch((error) => {
      throw new CliError('failed', `${file}: ${isCode(error, 'ENOENT') ? 'no such file' : error.message}`)
    })
    const { checkConfig } = await loadChecker()
    const result = checkConfig(text)
    if ('problems' in result) throw new CliError('failed', result.problems.replace(/^config\.yml/, file))
    if (input.has(JSON_OUTPUT)) return printJson(call, result)
    terminal.print(`${file} is valid: ${result.issuer}, ${result.apis.join(', ')}`)
  },
}

export const CONFIG_COMMANDS: readonly Command[] = [check]

/** Loads the checker from the server's project in the working directory. @throws CliError */
async function loadChecker(): Promise<ConfigChecker> {
  try {
    const path = createRequire(join(process.cwd(), 'package.json')).resolve('@sallyport/server/check-config')
    return await import(pathToFileURL(path).href)
  } catch (cause) {
    const problem = 'The server is not in this directory. Run the command in its project, after "npm ci".'
    throw new CliError('failed', problem, { cause })
  }
}
