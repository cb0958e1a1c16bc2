import type { Account } from '../api/account.ts'
import type { AdminApi } from '../api/admin_api.ts'
import type { Input } from './input.ts'
import type { Option } from './option.ts'
import type { Terminal } from './terminal.ts'

/** An argument of a command. */
export interface Argument {
  name: string
  summary: string
  isOptional?: boolean
  /** Whether the argument takes all further words. */
  isRepeated?: boolean
}

/** The context of one run of a command. */
export interface Call {
  input: Input
  terminal: Terminal
  api: AdminApi
  account: Account
  /** All commands, for the help and the completion. */
  commands: readonly Command[]
}

/** A command of the CLI. The help, the parser and docs/cli.md use this table. */
export interface Command {
  /** The words of the command, such as `clients add-secret`. */
  name: string
  summary: string
  /** More text for the help of the command. */
  details?: string
  arguments?: readonly Argument[]
  options?: readonly Option[]
  /** Whether the command is about the session of an operator, so that no service account can use it. */
  isForOperators?: boolean
  /** The operations of the admin API that the command calls, as in its OpenAPI document. */
  operations?: readonly string[]
  /** The exit code is 0, unless it throws a CliError. */
  run(call: Call): Promise<void>
}
