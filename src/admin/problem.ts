import { compact } from '../lib/compact.ts'
import type { ValueProblem } from '../lib/problems.ts'

/** The kinds of refusals of the admin API, with status and constant title (RFC 9457 §3.1). */
export const PROBLEMS = {
  'malformed-request': [400, 'The request cannot be read'],
  'invalid-query': [400, 'The query is not valid'],
  unauthenticated: [401, 'A live access token of an operator or a service account is required'],
  'role-missing': [403, 'The role of the operator does not allow this'],
  'scope-missing': [403, 'The scope of the service account does not allow this'],
  'operator-only': [403, 'Only an operator can do this'],
  'password-change-required': [403, 'The operator must change the password first'],
  'confirmation-required': [403, 'The operator must confirm the password first'],
  'wrong-password': [403, 'Your own password is wrong'],
  'not-found': [404, 'The record or path does not exist'],
  'method-not-allowed': [405, 'The path does not have this method'],
  duplicate: [409, 'The name is taken'],
  'last-admin': [409, 'An enabled admin must remain'],
  oneself: [409, 'Operators cannot do this to themselves'],
  'secret-conflict': [409, 'The secrets of the client do not allow this'],
  conflict: [409, 'The state of the record does not allow this'],
  stale: [412, 'The record was changed after you read it'],
  'content-too-large': [413, 'The body is too large'],
  'unsupported-media-type': [415, 'The body must be application/json'],
  'invalid-content': [422, 'The content is not valid'],
  'idempotency-key-reused': [422, 'The Idempotency-Key was used for another request'],
  'precondition-required': [428, 'If-Match is required'],
  'too-many-attempts': [429, 'There were too many attempts'],
  'too-many-requests': [429, 'The budget of the caller is used up'],
  'server-error': [500, 'The server met an unexpected condition'],
  'copies-not-renewed': [503, 'The change is saved, but copies could not be renewed'],
  unavailable: [503, 'The service is not available now'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemCode = keyof typeof PROBLEMS

/** The details of a problem. */
export interface ProblemDetails {
  /** Advice for the caller, without secrets. */
  detail?: string
  errors?: readonly ValueProblem[]
  headers?: Readonly<Record<string, string>>
  /** The reason for the log, if `detail` does not contain it. */
  reason?: string
}

/** A refusal of the admin API. */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: ProblemCode
  readonly details: ProblemDetails

  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    super(details.reason ?? details.detail ?? code)
    this.code = code
    this.details = details
  }
}

/** @param what The kind of the missing record, such as `client`. */
export function notFound(what: string): Problem {
  return new Problem('not-found', { detail: `The ${what} does not exist.` })
}

/** @param detail The reason why a service account cannot do it. */
export function operatorOnly(detail: string): Problem {
  return new Problem('operator-only', { detail })
}

export function invalidContent(errors: readonly ValueProblem[]): Problem {
  return new Problem('invalid-content', { errors })
}

/** @param etag The current ETag. */
export function stale(etag: string): Problem {
  return new Problem('stale', {
    detail: 'Read the record again before you repeat the change.',
    headers: { ETag: etag },
  })
}

/** The maximum number of errors in one response. */
const MAX_ERRORS = 100

/** The first errors. If there are more, the last entry has their number. */
function listErrors(errors: readonly ValueProblem[]): readonly ValueProblem[] {
  const more = errors.length - MAX_ERRORS
  if (more <= 0) return errors
  return [...errors.slice(0, MAX_ERRORS), { path: '', message: `and ${more} more` }]
}

/** The members of a problem document (RFC 9457 §3.1). */
export function formatProblem({ code, details }: Problem) {
  const [status, title] = PROBLEMS[code]
  return compact({
    type: `urn:problem-type:sallyport:${code}`,
    title,
    status,
    detail: details.detail,
    errors: details.errors === undefined ? undefined : listErrors(details.errors),
  })
}
