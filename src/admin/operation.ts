import type { ZodMiniType } from 'zod/mini'
import type { RequestContext } from '../lib/request_context.ts'
import type { Services } from '../services/services.ts'
import type { User } from '../users/user.ts'

/** `support` reads, disables and signs out; `admin` does everything. */
export const ROLES = ['support', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Whoever calls, as the database knows them now. */
export interface Operator {
  user: User
  isAdmin: boolean
  /** The client, the session and the scope of the access token. */
  clientId: string
  sid: string
  scope: readonly string[]
}

/** What every request brings. */
export interface Call {
  operator: Operator
  /** Of the path, decoded. */
  params: Readonly<Record<string, string>>
  /** Those that If-Match lists; null for any. */
  versions: readonly number[] | null
  /** The header `Sallyport-Confirmation`, not checked yet; null where it is absent. */
  confirmation: string | null
  context: RequestContext
  services: Services
}

export interface OperationResult<A> {
  body: A
  /** Of what the body represents, for its ETag. */
  version?: number
  /** The path of what was created, below the admin API. */
  location?: string
}

/** One thing that the admin API does. The routes, their checks and the OpenAPI document are made from these. */
export interface OperationSpec<Q, B, A> {
  /** The `operationId`. */
  id: string
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below /admin/api, with parameters as `{name}`. */
  path: string
  summary: string
  tag: 'me' | 'clients' | 'users' | 'sessions' | 'keys' | 'audit'
  /** The lowest role that may; `anyone` for every operator, one who must change the password too. */
  role: Role | 'anyone'
  /** Whether If-Match must be there; it is honoured in any case. */
  needsVersion?: boolean
  query?: ZodMiniType<Q>
  body?: ZodMiniType<B>
  /** When the operator must have confirmed the password; absent for never. */
  confirmation?: ConfirmationRule<NoInfer<Q>, NoInfer<B>>
  /** The longest body. */
  maxBodyBytes?: number
  status: 200 | 201 | 204
  /** Absent where there is no content. */
  response?: ZodMiniType<A>
  handle(call: Call & { query: Q; body: B }): Promise<OperationResult<A>>
}

/** Which calls of an operation grant power that a stolen access token alone must not grant. */
export interface ConfirmationRule<Q, B> {
  /** For the OpenAPI document: the end of "Needs a confirmation …". */
  when: string
  isNeeded(call: Call & { query: Q; body: B }): boolean | Promise<boolean>
}

/** What came, parsed as JSON or a query and not checked yet. */
export interface RawInput {
  query: unknown
  body: unknown
}

/** An operation whose types are settled: it checks what came by its own schemas. */
export interface Operation extends Omit<OperationSpec<unknown, unknown, unknown>, 'handle' | 'confirmation'> {
  confirmation?: Pick<ConfirmationRule<unknown, unknown>, 'when'>
  run(call: Call, input: RawInput, steps: OperationSteps): Promise<OperationResult<unknown>>
}

/** The checks before every operation. */
export interface OperationSteps {
  check: Checker
  /** @throws Problem where the operator has not confirmed the password */
  requireConfirmation(call: Call): Promise<void>
}

/** Turns an unchecked part into a typed one, or throws the Problem that lists everything. */
export type Checker = <T>(part: 'query' | 'body', schema: ZodMiniType<T> | undefined, value: unknown) => T

export function operation<Q, B, A>(spec: OperationSpec<Q, B, A>): Operation {
  const { handle, ...description } = spec
  return {
    ...description,
    async run(call, input, { check, requireConfirmation }) {
      const checked = {
        ...call,
        query: check('query', spec.query, input.query),
        body: check('body', spec.body, input.body),
      }
      if (await spec.confirmation?.isNeeded(checked)) await requireConfirmation(call)
      return handle(checked)
    },
  }
}

/** Whether somebody of a role may do it. */
export function isAllowed(operator: Operator, { role }: Pick<Operation, 'role'>): boolean {
  return role === 'anyone' || operator.isAdmin || role === 'support'
}
