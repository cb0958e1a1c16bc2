import { TokenRequestError } from '@sallyport/client/token_endpoint'
import { CliError, type ExitCode } from '../core/exit_code.ts'
import { clean } from '../core/table.ts'

/** A problem document (RFC 9457). Missing members have defaults. */
export interface ProblemDocument {
  type: string
  title: string
  detail: string | null
  errors: readonly { path: string; message: string }[]
}

/** An error response of the admin API. */
export class ProblemError extends TokenRequestError {
  override name = 'ProblemError'
  readonly problem: ProblemDocument

  constructor(problem: ProblemDocument, details: { status: number; retryAfterSeconds: number }) {
    super(problem.type, problem.title, details)
    this.problem = problem
  }

  /** A 500 is not temporary: it is an unexpected error, and a retry would cause it again. */
  override get isTemporary(): boolean {
    return this.status === 429 || this.status > 500
  }
}

export function decodeProblem(value: unknown, status: number): ProblemDocument {
  const { type, title, detail, errors }: Partial<Record<keyof ProblemDocument, unknown>> = Object(value)
  const list = Array.isArray(errors) ? errors : []
  return {
    type: typeof type === 'string' ? type : 'about:blank',
    title: typeof title === 'string' ? title : `The server returned status ${status}`,
    detail: typeof detail === 'string' ? detail : null,
    errors: list.map((error) => {
      const { path, message }: { path?: unknown; message?: unknown } = Object(error)
      return { path: String(path ?? ''), message: String(message ?? '') }
    }),
  }
}

/** Formats a problem as sentences, then one line for each invalid path. */
export function formatProblem({ type, title, detail, errors }: ProblemDocument): string {
  // The detail of a not-found problem repeats its title. Other details need the title.
  const isSaid = detail !== null && type.endsWith(':not-found')
  const sentences = [...(isSaid ? [] : [`${title}.`]), ...(detail === null ? [] : [detail])].join(' ')
  const lines = errors.map(({ path, message }) => (path === '' ? `  ${message}` : `  ${path}: ${message}`))
  return [sentences, ...lines].map(clean).join('\n')
}

const EXITS: Readonly<Record<number, ExitCode>> = {
  401: 'notSignedIn',
  404: 'notFound',
  409: 'conflict',
  412: 'conflict',
}

/** Converts an error of the admin API, or a missing response, to the error of the command. */
export function toCliError(error: unknown, server: string): unknown {
  if (error instanceof ProblemError) {
    const { problem, status, retryAfterSeconds } = error
    const wait = retryAfterSeconds > 0 ? `\nTry again in ${retryAfterSeconds} s.` : ''
    const hint = status === 412 ? '\nNothing was changed.' : passwordHint(problem)
    const exitCode = EXITS[status] ?? (error.isTemporary ? 'unavailable' : 'failed')
    return new CliError(exitCode, formatProblem(problem) + hint + wait)
  }
  if (!(error instanceof TokenRequestError)) return error
  return new CliError(
    'unavailable',
    `${server} gave no response. ${error.message === '' ? 'Is the server running? For another server use --server URL.' : error.message}`,
  )
}

function passwordHint({ type }: ProblemDocument): string {
  return type.endsWith(':password-change-required') ? '\nRun "sallyport password".' : ''
}
