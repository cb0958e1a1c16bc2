import { version } from '../package.json'
import { Account } from './api/account.ts'
import { AdminApi } from './api/admin_api.ts'
import { CredentialStore } from './api/credential_store.ts'
import { findExposures } from './api/file_exposure.ts'
import { toCliError } from './api/problem.ts'
import { LOCAL_SERVER, parseServerAddress } from './api/server_address.ts'
import { findServiceCredentials, ServiceAccount } from './api/service_account.ts'
import { COMMANDS } from './commands.ts'
import type { Call, Command } from './core/command.ts'
import { CliError, EXIT_CODES, PipeClosed, UsageError } from './core/exit_code.ts'
import { formatHelp } from './core/help.ts'
import { type Input, SERVER } from './core/input.ts'
import { findName, parseCommandLine } from './core/parse_command_line.ts'
import { Terminal } from './core/terminal.ts'

/** Runs one command line. @returns The exit code */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = new Terminal()
  try {
    const invocation = parseCommandLine(args, COMMANDS)
    if ('help' in invocation) return printHelp(invocation, terminal)
    if ('isVersion' in invocation) {
      terminal.print(version)
      return EXIT_CODES.ok[0]
    }
    const { command, input } = invocation
    const call = await prepareCall(command, input, terminal)
    await command.run(call).catch((error) => {
      throw toCliError(error, call.account.server)
    })
    return EXIT_CODES.ok[0]
  } catch (error) {
    return reportError(error, terminal, findName(args, COMMANDS))
  }
}

function printHelp({ help, isAskedFor }: { help: string; isAskedFor: boolean }, terminal: Terminal): number {
  const text = formatHelp(help, COMMANDS, isAskedFor ? terminal.columns : 80)
  if (isAskedFor) terminal.print(text)
  else terminal.say(text)
  return EXIT_CODES[isAskedFor ? 'ok' : 'usage'][0]
}

async function prepareCall(command: Command, input: Input, terminal: Terminal): Promise<Call> {
  const store = new CredentialStore()
  for (const exposure of findExposures(store.path)) terminal.say(`Warning: ${exposure}.`)
  const service = command.operations === undefined ? null : findServiceCredentials()
  if (service !== null) requireServiceUse(command, input)
  const server = await chooseServer(input, store)
  const onRetry = () => terminal.say('No response. Retrying …')
  const account = new Account({ server, store, onRetry })
  const caller = service === null ? account : new ServiceAccount({ ...service, server, onRetry })
  const askPassword = () => terminal.readSecret('Your own password')
  const api = new AdminApi({ account: caller, onRetry, askPassword })
  return { input, terminal, account, api, commands: COMMANDS }
}

/** The server must be explicit, so that the secret never goes to the server of an operator's last login. @throws UsageError */
function requireServiceUse({ name, isForOperators }: Command, input: Input): void {
  if (isForOperators) throw new UsageError(`"${name}" is for operators: unset SALLYPORT_CLIENT_ID`)
  if (givenServer(input)) return
  throw new UsageError('SALLYPORT_CLIENT_ID needs --server or SALLYPORT_SERVER')
}

function givenServer(input: Input): string | undefined {
  return input.get(SERVER) ?? process.env.SALLYPORT_SERVER
}

async function chooseServer(input: Input, store: CredentialStore): Promise<string> {
  const given = givenServer(input)
  return given ? parseServerAddress(given) : ((await store.findCurrentServer()) ?? LOCAL_SERVER)
}

function reportError(error: unknown, terminal: Terminal, name: string): number {
  if (error instanceof PipeClosed) return EXIT_CODES.ok[0]
  if (isSystemError(error)) {
    terminal.say(`sallyport: ${error.message}`)
    return EXIT_CODES.failed[0]
  }
  if (!(error instanceof CliError)) throw error
  const help = ['sallyport', name, '--help'].filter((word) => word !== '').join(' ')
  const hint = error instanceof UsageError ? `\n"${help}" shows the help.` : ''
  terminal.say(`sallyport: ${error.message}${hint}`)
  return EXIT_CODES[error.exitCode][0]
}

/** Whether an error comes from a system call. Its message names the file and the problem. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}
