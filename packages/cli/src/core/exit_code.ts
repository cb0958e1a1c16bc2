/** What the process ends with, and what each means. */
export const EXIT_CODES = {
  ok: [0, 'done'],
  failed: [1, 'refused or failed'],
  usage: [2, 'the command line is wrong or lacks --yes; nothing was changed'],
  notSignedIn: [3, 'nobody is signed in at that server'],
  notFound: [4, 'there is no such thing'],
  conflict: [5, 'it was changed meanwhile, or its state does not allow this'],
  unavailable: [6, 'the server gave no response, or cannot now'],
  interrupted: [130, 'interrupted'],
} as const satisfies Record<string, readonly [number, string]>

export type ExitCode = keyof typeof EXIT_CODES

/** An end with a message for whoever ran the command. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** A command line that is wrong. */
export class UsageError extends CliError {
  override name = 'UsageError'

  constructor(message: string) {
    super('usage', message)
  }
}
