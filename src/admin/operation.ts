import type { ZodMiniType } from 'zod/mini'
import type { ValueProblem } from '../lib/problems.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { AdminScope } from '../oauth/admin_scope.ts'
import type { ManagementServices } from '../services/management_services.ts'
import type { SessionClaims } from '../tokens/claims.ts'
import type { User } from '../users/user.ts'

/** `support` can read, disable and sign out; `admin` can do everything. */
export const ROLES = ['support', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** A user of the operators' pool, read from the database. Only roles give rights: the scope of the token gives none. */
export interface Operator {
  kind: 'operator'
  user: User
  isAdmin: boolean
  /** The client, the session and the scope of the access token. */
  clientId: string
  sid: string
  scope: readonly string[]
  /** The authentication that the access token names. */
  proof: Pick<SessionClaims, 'authTime' | 'amr' | 'acr'>
  /** The thumbprint of the key to which the access token is bound; null for a bearer token. */
  proofKey: string | null
}

/** A confidential client of the admin API that calls it with its own token. Only scopes give rights. */
export interface ServiceAccount {
  kind: 'service account'
  clientId: string
  /** The scopes that both the token and the client in the database have. */
  scope: readonly string[]
}

/** Who sends a request. */
export type Caller = Operator | ServiceAccount

/** The parts of every request. */
export interface Call {
  caller: Caller
  /** The decoded parameters of the path. */
  params: Readonly<Record<string, string>>
  /** The versions in If-Match; null accepts any version. */
  versions: readonly number[] | null
  /** The unchecked header `Sallyport-Confirmation`; null if it is absent. */
  confirmation: string | null
  /** The header `Idempotency-Key`; null if it is absent or the operation does not use it. */
  idempotencyKey: string | null
  context: RequestContext
  services: ManagementServices
}

export interface OperationResult<A> {
  body: A
  /** The version of the record in the body, for the ETag. */
  version?: number
  /** The path of the new record, below the admin API. */
  location?: string
}

/** One operation of the admin API. The routes, their checks and the OpenAPI document are derived from the operations. */
export interface OperationSpec<Q, B, A> {
  /** The `operationId`. */
  id: string
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below /admin/api, with parameters as `{name}`. */
  path: string
  summary: string
  tag: 'me' | 'clients' | 'users' | 'sessions' | 'keys' | 'audit'
  /** The lowest allowed role. `anyone` includes an operator who must change the password. */
  role: Role | 'anyone'
  /** The scope that a service account needs; null if only operators are allowed. */
  scope: AdminScope | null
  /** Whether If-Match is required. If it is present, it is always checked. */
  needsVersion?: boolean
  /** Whether a repeat with the same Idempotency-Key gets the same response. */
  isIdempotent?: true
  query?: ZodMiniType<Q>
  body?: ZodMiniType<B>
  /** The problems of rules between the values of a body that the schema refuses, so that the response lists all of them. */
  findMoreProblems?(body: unknown, call: Call): Promise<ValueProblem[]> | ValueProblem[]
  /** The calls that need a confirmation of the password; absent if no call needs one. */
  confirmation?: ConfirmationRule<NoInfer<Q>, NoInfer<B>>
  /** Whether a call can search a whole table. It then takes `SEARCH_COST` from the budget of every caller. */
  isSearch?(input: Pick<Call, 'services'> & { query: NoInfer<Q>; body: NoInfer<B> }): boolean
  /** What a call takes from the budget of a service account: one for each changed record, `HASH_COST` for each password hash.
   * Absent: one, or none for a GET. */
  costOf?(input: { query: NoInfer<Q>; body: NoInfer<B> }): number
  /** The maximum size of the body. */
  maxBodyBytes?: number
  status: 200 | 201 | 204
  /** Absent if the response has no content. */
  response?: ZodMiniType<A>
  handle(call: Call & { query: Q; body: B }): Promise<OperationResult<A>>
}

/** Selects the calls that need a confirmation, so that a stolen access token is not enough for them. */
export interface ConfirmationRule<Q, B> {
  /** For the OpenAPI document: the end of "Needs a confirmation …". */
  when: string
  /** Whether a service account may make these calls without one. It has no password, so it is refused by default. */
  exemptsServiceAccounts?: true
  isNeeded(call: Call & { query: Q; body: B }): boolean | Promise<boolean>
}

/** The parsed and unchecked input. */
export interface RawInput {
  query: unknown
  body: unknown
}

/** An operation without its type parameters. It checks the input with its own schemas. */
export interface Operation
  extends Omit<
    OperationSpec<unknown, unknown, unknown>,
    'handle' | 'confirmation' | 'isSearch' | 'costOf' | 'findMoreProblems'
  > {
  confirmation?: Pick<ConfirmationRule<unknown, unknown>, 'when' | 'exemptsServiceAccounts'>
  run(call: Call, input: RawInput, steps: OperationSteps): Promise<OperationResult<unknown>>
}

/** The checks before every operation. */
export interface OperationSteps {
  check: Checker
  /** @throws Problem if the operator has not confirmed the password */
  requireConfirmation(call: Call): Promise<void>
  /** @throws Problem if the budget of the caller has less than a search */
  spendSearch(call: Call): void
  /** @throws Problem if the budget of the service account has less than the cost */
  spendChange(call: Call, cost: number): void
}

interface UncheckedPart {
  part: 'query' | 'body'
  value: unknown
}

/** Decodes an unchecked part. @throws Problem that lists all errors, with those of `findMore` */
export type Checker = <T>(
  unchecked: UncheckedPart,
  schema: ZodMiniType<T> | undefined,
  findMore?: () => Promise<ValueProblem[]> | ValueProblem[] | undefined,
) => Promise<T>

export function operation<Q, B, A>(spec: OperationSpec<Q, B, A>): Operation {
  const { handle, confirmation, isSearch, costOf, findMoreProblems, ...description } = spec
  const isExempt = ({ caller }: Call) =>
    caller.kind === 'service account' && confirmation?.exemptsServiceAccounts === true
  return {
    ...description,
    ...(confirmation && { confirmation }),
    async run(call, input, { check, requireConfirmation, spendSearch, spendChange }) {
      const checked = {
        ...call,
        query: await check({ part: 'query', value: input.query }, spec.query),
        body: await check({ part: 'body', value: input.body }, spec.body, () =>
          findMoreProblems?.(input.body, call),
        ),
      }
      if (!isExempt(call) && (await confirmation?.isNeeded(checked))) await requireConfirmation(call)
      if (isSearch?.(checked)) spendSearch(call)
      spendChange(call, costOf?.(checked) ?? (spec.method === 'GET' ? 0 : 1))
      return handle(checked)
    },
  }
}

/** Whether a role is allowed. */
export function isAllowed(operator: Operator, { role }: Pick<Operation, 'role'>): boolean {
  return role === 'anyone' || operator.isAdmin || role === 'support'
}
