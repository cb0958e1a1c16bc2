/** The exit codes and their meanings. */
export const EXIT_CODES = {
  ok: [0, 'done'],
  failed: [1, 'refused or failed'],
  usage: [2, 'the command line is not valid or needs --yes; nothing was changed'],
  notSignedIn: [3, 'no operator is signed in, or the service account is refused'],
  notFound: [4, 'not found'],
  conflict: [5, 'the record has changed, or its state forbids the command'],
  unavailable: [6, 'the server sent no response, or is temporarily unavailable'],
  changes: [7, 'apply --dry-run --detailed-exit-code found changes'],
  interrupted: [130, 'interrupted'],
} as const satisfies Record<string, readonly [number, string]>

export type ExitCode = keyof typeof EXIT_CODES

/** An error that ends the command with a message and an exit code. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** A command line that is not valid. */
export class UsageError extends CliError {
  override name = 'UsageError'

  constructor(message: string) {
    super('usage', message)
  }
}

/** The reader of standard output, such as `head`, has closed the pipe. The command ends without a message. */
export class PipeClosed extends CliError {
  override name = 'PipeClosed'

  constructor() {
    super('ok', '')
  }
}
