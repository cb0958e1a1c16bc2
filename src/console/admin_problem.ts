import * as z from 'zod/mini'
import type { ValueProblem } from '../lib/problems.ts'
import { findProblemWords } from './problem_words.ts'

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.optional(z.string()),
  errors: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
})

/** The form field of the operator's own password, for a change that needs a confirmation. */
export const OWN_PASSWORD_FIELD = 'own_password'

export const CONFIRM_PATH = '/me/confirm'

const TYPE_PREFIX = 'urn:problem-type:sallyport:'

/** A refusal of the admin API, from its problem document (RFC 9457). */
export class AdminProblem extends Error {
  override name = 'AdminProblem'
  readonly status: number
  /** The last part of the problem type, such as `stale`. */
  readonly code: string
  /** In the words of the console, and so is `detail`. */
  readonly title: string
  readonly detail: string | null
  errors: readonly ValueProblem[]
  readonly retryAfter: string | null
  /** The path of the request to the admin API. */
  readonly path: string

  constructor(path: string, { headers, status }: Response, document: unknown) {
    const { data } = problemSchema.safeParse(document)
    super(`the admin API responded with ${status} ${data?.title ?? ''}`.trim())
    this.path = path
    this.status = status
    this.code = data?.type.replace(TYPE_PREFIX, '') ?? 'unknown'
    const words = findProblemWords(this.code)
    this.title = words?.title ?? data?.title ?? 'The admin API sent an invalid response'
    this.detail = words?.advice ?? data?.detail ?? null
    this.errors = errorsOf(path, this.code, data?.errors ?? [])
    this.retryAfter = headers.get('Retry-After')
  }

  /** The refusal of a form that the console does not send to the API. */
  static ofField(path: string, message: string): AdminProblem {
    const document = { type: 'invalid-content', title: 'The form is not valid', status: 422 }
    return new AdminProblem('', new Response(null, { status: 422 }), document).and([{ path, message }])
  }

  /** Adds errors of fields that only the console checks. @returns this problem */
  and(errors: readonly ValueProblem[]): this {
    this.errors = [...this.errors, ...errors]
    return this
  }

  /** Replaces the messages about some fields. @returns this problem */
  withMessage(fields: readonly string[], message: string): this {
    this.errors = this.errors.map((error) => (fields.includes(error.path) ? { ...error, message } : error))
    return this
  }

  /** The errors of a field, or of an item of its list. */
  errorsOf(field: string): string[] {
    return this.errors
      .filter(({ path }) => isWithin(path, field))
      .map(({ path, message }) => `${lineOf(path.slice(field.length + 1))}${message}`)
  }

  /** Sorts the errors by the order of the fields in the form. @returns this problem */
  inOrder(fields: readonly { name: string }[]): this {
    const places = (path: string) => fields.findIndex(({ name }) => isWithin(path, name))
    this.errors = [...this.errors].sort((a, b) => places(a.path) - places(b.path))
    return this
  }

  isFirst(field: string): boolean {
    const [first] = this.errors
    return first !== undefined && isWithin(first.path, field)
  }
}

/** Whether a path is the field or an item of its list. */
export function isWithin(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}.`)
}

/** The errors of a problem document. Each has the path of its form field. */
function errorsOf(path: string, code: string, errors: readonly ValueProblem[]): readonly ValueProblem[] {
  const field = path === '/me/password' ? 'current_password' : OWN_PASSWORD_FIELD
  if (code === 'wrong-password') return [{ path: field, message: 'Your own password is wrong.' }]
  if (code === 'confirmation-required') return [{ path: field, message: 'Your own password is required.' }]
  if (path !== CONFIRM_PATH) return errors
  return errors.map(({ message }) => ({ path: OWN_PASSWORD_FIELD, message }))
}

/** The position in a list, counted from 1. */
function lineOf(index: string): string {
  return /^\d+$/.test(index) ? `Number ${Number(index) + 1} ` : ''
}
