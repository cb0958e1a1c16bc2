import type { ZodMiniType } from 'zod/mini'
import type { RequestContext } from '../lib/request_context.ts'
import type { Services } from '../services.ts'
import type { User } from '../users/user.ts'

/** `support` reads, disables and signs out; `admin` does everything. */
export const ROLES = ['support', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Whoever calls, as the database knows them now. */
export interface Operator {
  user: User
  isAdmin: boolean
  /** The client and the session of the access token. */
  clientId: string
  sid: string
}

/** What every request brings. */
export interface Call {
  operator: Operator
  /** Of the path, decoded. */
  params: Readonly<Record<string, string>>
  /** Those that If-Match lists; null for any. */
  versions: readonly number[] | null
  context: RequestContext
  services: Services
}

export interface Answer<A> {
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
  /** The longest body. */
  maxBodyBytes?: number
  status: 200 | 201 | 204
  /** Absent where there is no content. */
  answer?: ZodMiniType<A>
  handle(call: Call & { query: Q; body: B }): Promise<Answer<A>>
}

/** What came, parsed as JSON or a query and not checked yet. */
export interface RawInput {
  query: unknown
  body: unknown
}

/** An operation whose types are settled: it checks what came by its own schemas. */
export interface Operation extends Omit<OperationSpec<unknown, unknown, unknown>, 'handle'> {
  run(call: Call, input: RawInput, check: Checker): Promise<Answer<unknown>>
}

/** Turns an unchecked part into a typed one, or throws the Problem that lists everything. */
export type Checker = <T>(part: 'query' | 'body', schema: ZodMiniType<T> | undefined, value: unknown) => T

export function operation<Q, B, A>(spec: OperationSpec<Q, B, A>): Operation {
  const { handle, ...description } = spec
  return {
    ...description,
    run: (call, input, check) =>
      handle({
        ...call,
        query: check('query', spec.query, input.query),
        body: check('body', spec.body, input.body),
      }),
  }
}

/** Whether somebody of a role may do it. */
export function isAllowed(operator: Operator, { role }: Pick<Operation, 'role'>): boolean {
  return role === 'anyone' || operator.isAdmin || role === 'support'
}
