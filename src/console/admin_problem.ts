import * as z from 'zod/mini'
import type { ValueProblem } from '../lib/problems.ts'

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.optional(z.string()),
  errors: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
})

const TYPE_PREFIX = 'urn:problem-type:sallyport:'

/** What the admin API refused, as its problem document tells it (RFC 9457). */
export class AdminProblem extends Error {
  override name = 'AdminProblem'
  readonly status: number
  /** The end of its type, such as `stale`. */
  readonly code: string
  readonly title: string
  readonly detail: string | null
  readonly errors: readonly ValueProblem[]
  readonly retryAfter: string | null
  /** What was asked of the admin API. */
  readonly path: string

  constructor(path: string, { headers, status }: Response, document: unknown) {
    const { data } = problemSchema.safeParse(document)
    super(`the admin API answered ${status} ${data?.title ?? ''}`.trim())
    this.path = path
    this.status = status
    this.code = data?.type.replace(TYPE_PREFIX, '') ?? 'unknown'
    this.title = data?.title ?? 'The admin API did not answer as it should'
    this.detail = data?.detail ?? null
    this.errors = data?.errors ?? []
    this.retryAfter = headers.get('Retry-After')
  }

  /** What is wrong with a field, or with an item of its list. */
  errorsOf(field: string): string[] {
    return this.errors
      .filter(({ path }) => path === field || path.startsWith(`${field}.`))
      .map(({ path, message }) => `${lineOf(path.slice(field.length + 1))}${message}`)
  }

  /** What is wrong with what the form has no field for. */
  errorsBeside(fields: readonly string[]): ValueProblem[] {
    const isOf = (path: string) => fields.some((field) => path === field || path.startsWith(`${field}.`))
    return this.errors.filter(({ path }) => !isOf(path))
  }
}

/** Where in a list, counted as people do. */
function lineOf(index: string): string {
  return /^\d+$/.test(index) ? `Number ${Number(index) + 1} ` : ''
}
