import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { PRIVATE } from '../http/responses.ts'
import { describeError, log } from '../lib/log.ts'
import { ConstraintFailed, StorageUnavailable } from '../lib/storage_error.ts'
import { OAuthError } from '../oauth/errors.ts'
import { constraintProblem } from './constraint_problem.ts'
import { formatProblem, PROBLEMS, Problem } from './problem.ts'

/** Headers of every response. */
const NO_STORE = { 'Cache-Control': PRIVATE }

const RETRY_AFTER_SECONDS = 2

export function respondJson(c: Context, body: unknown, status: 200 | 201): Response {
  return c.body(JSON.stringify(body), status, { ...NO_STORE, 'Content-Type': 'application/json' })
}

export function respondEmpty(c: Context): Response {
  return c.body(null, 204, NO_STORE)
}

/** Writes an error as a problem document (RFC 9457). Only the log has the cause. */
export function respondWithProblem(c: Context, thrown: Error, path: string): Response {
  const problem = toProblem(thrown)
  const [status] = PROBLEMS[problem.code]
  log(status >= 500 ? 'error' : 'info', 'admin_refused', {
    path,
    method: c.req.method,
    status,
    problem: problem.code,
    reason: problem.message,
  })
  return c.body(JSON.stringify(formatProblem(problem)), status as ContentfulStatusCode, {
    ...NO_STORE,
    ...problem.details.headers,
    'Content-Type': 'application/problem+json',
  })
}

function toProblem(thrown: Error): Problem {
  if (thrown instanceof Problem) return thrown
  if (thrown instanceof StorageUnavailable) return unavailable(thrown.message, RETRY_AFTER_SECONDS)
  if (thrown instanceof ConstraintFailed) return constraintProblem(thrown)
  if (thrown instanceof OAuthError && thrown.refusal.kind === 'temporarily_unavailable') {
    return unavailable(thrown.reason, thrown.refusal.retryAfterSeconds)
  }
  if (thrown instanceof OAuthError && thrown.refusal.kind === 'too_many_attempts') {
    const headers = { 'Retry-After': String(thrown.refusal.retryAfterSeconds) }
    return new Problem('too-many-attempts', { reason: thrown.reason, headers })
  }
  return new Problem('server-error', { reason: describeError(thrown) })
}

function unavailable(reason: string, retryAfterSeconds: number): Problem {
  return new Problem('unavailable', { reason, headers: { 'Retry-After': String(retryAfterSeconds) } })
}
