import type { Account } from '../api/account.ts'
import type { AdminApi } from '../api/admin_api.ts'
import type { Input } from './input.ts'
import type { Option } from './option.ts'
import type { Terminal } from './terminal.ts'

/** A word that a command takes after its name. */
export interface Argument {
  name: string
  summary: string
  isOptional?: boolean
}

/** What a command works with. */
export interface Call {
  input: Input
  terminal: Terminal
  /** Signed in at the server, once it is asked for something. */
  api: AdminApi
  account: Account
}

/** One thing that the command line does. The help, the checks of the arguments and the pages are made from these. */
export interface Command {
  /** Its words, such as `clients add-secret`. */
  name: string
  summary: string
  /** What else there is to know, for its own help. */
  details?: string
  arguments?: readonly Argument[]
  options?: readonly Option[]
  /** What it asks the server for, as the admin API's document names it; absent where it asks for nothing there. */
  operations?: readonly string[]
  /** Ends with 0, unless it throws a CliError. */
  run(call: Call): Promise<void>
}
