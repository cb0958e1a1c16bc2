import type { ValueProblem } from '../lib/problems.ts'
import { splitOnce } from '../lib/split_once.ts'
import type { Constraint, ConstraintFailed } from '../lib/storage_error.ts'
import { Problem, type ProblemCode } from './problem.ts'

/** The problem of a request for each kind of failed constraint, and the message for the value. */
const CONSTRAINTS: Readonly<Record<Constraint, { code: ProblemCode; message: string }>> = {
  unique: { code: 'duplicate', message: 'is taken' },
  check: { code: 'invalid-content', message: 'the database does not accept a value' },
  'not null': { code: 'invalid-content', message: 'is required' },
  'foreign key': { code: 'conflict', message: 'the record refers to a record that does not exist' },
  other: { code: 'invalid-content', message: 'the database does not accept a value' },
}

/** Columns with another name in JSON. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  'client_secrets.secret_hash': 'client_secret',
  'users.pool': '',
  'users.verified_email': 'profile.email',
}

export const TAKEN_SECRET: ValueProblem = {
  path: 'client_secret',
  message: 'another client has or had this secret: each client needs a different secret',
}
export const TAKEN_USERNAME: ValueProblem = { path: 'username', message: 'is taken in this pool' }

export const TAKEN_EMAIL: ValueProblem = {
  path: 'profile.email',
  message: 'is the verified email address of another user in this pool',
}

/** Unique values that have their own message. */
const TAKEN: readonly ValueProblem[] = [TAKEN_SECRET, TAKEN_USERNAME, TAKEN_EMAIL]

/** The message of a failed constraint for an operator, without the value. */
export function describeConstraint({ constraint, columns }: ConstraintFailed): ValueProblem {
  const names = columns.map((column) => WIRE_NAMES[column] ?? splitOnce(column, '.')[1])
  const path = names.find((name) => name !== '') ?? ''
  const taken = constraint === 'unique' ? TAKEN.find((problem) => problem.path === path) : undefined
  return taken ?? { path, message: CONSTRAINTS[constraint].message }
}

/** The tables whose values come from a request. */
const TABLES_OF_REQUESTS: ReadonlySet<string> = new Set(['clients', 'client_secrets', 'users'])

/**
 * Whether the failure is an error of the server: the columns belong to a table that no request fills, such as the audit trail, or
 * the database names no table, as for an index on an expression.
 */
export function isUnexpected({ columns }: ConstraintFailed): boolean {
  return columns.some((column) => !TABLES_OF_REQUESTS.has(splitOnce(column, '.')[0]))
}

/**
 * The problem of a request whose statement failed a constraint: a 4xx for a value of the request, and a 500 if the failure
 * is unexpected. The log has the message of the database. A retry fails too, so there is no Retry-After.
 */
export function constraintProblem(failed: ConstraintFailed): Problem {
  if (isUnexpected(failed)) return new Problem('server-error', { reason: failed.message })
  return new Problem(CONSTRAINTS[failed.constraint].code, {
    errors: [describeConstraint(failed)],
    reason: failed.message,
  })
}
