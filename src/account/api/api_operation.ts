import type { ZodMiniType } from 'zod/mini'
import type { ClientRequest } from '../../clients/client_request.ts'
import { missingParameter, notAString, refusedValue } from '../../oauth/errors.ts'
import type { ManagementServices } from '../../services/management_services.ts'
import type { StoredUser } from '../../users/user.ts'
import type { AccountCall } from '../operations/account_call.ts'

/** A call by the user of an access token. */
export interface ApiCall extends AccountCall {
  signedIn: { user: StoredUser; session: null }
  /** The session of the access token. */
  sid: string
  /** The decoded parameters of the path. */
  params: Readonly<Record<string, string>>
}

/** A call by an authenticated first-party client, without a user. */
export interface ClientCall {
  pool: string
  request: ClientRequest
  services: ManagementServices
}

interface Shared {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/account/<pool>/api`, with parameters as `{name}`. */
  path: string
  summary: string
  /** The members of the body; empty without a body. */
  members: readonly string[]
  status: 200 | 201 | 202 | 204
}

/** An operation of the user of an access token. */
export interface UserOperation extends Shared {
  caller: 'user'
  /** Whether the user must have signed in within the last 10 minutes. */
  needsProof: boolean
  /** Whether a user who must change the password can call it. */
  allowsRestricted: boolean
  /** @param body The unchecked body; null for an operation without one. @returns the body of the response */
  run(call: ApiCall, body: object | null): Promise<object | undefined>
}

/** An operation of a client. */
export interface ClientOperation extends Shared {
  caller: 'client'
  run(call: ClientCall): Promise<object | undefined>
}

/** One operation of the JSON API. The routes and the table of docs/accounts.md are derived from the operations. */
export type ApiOperation = UserOperation | ClientOperation

interface UserSpec<T extends object> extends Pick<Shared, 'method' | 'path' | 'summary' | 'status'> {
  needsProof: boolean
  allowsRestricted?: true
  /** Absent without a body. The server ignores unknown members. */
  input?: ZodMiniType<T> & { shape: { [M in keyof T]: ZodMiniType } }
  run(call: ApiCall, input: T): Promise<object | undefined>
}

/** Defines an operation of a user. It checks its input by its schema. */
export function userOperation<T extends object>({ input, run, ...shared }: UserSpec<T>): UserOperation {
  return {
    allowsRestricted: false,
    ...shared,
    caller: 'user',
    members: Object.keys(input?.shape ?? {}),
    // An operation without a schema ignores its input.
    run: (call, body) => run(call, input === undefined ? ({} as T) : decodeInput(input, body)),
  }
}

/** Decodes a body. @throws OAuthError invalid_request, with the name of the first wrong member */
function decodeInput<T>(schema: ZodMiniType<T>, body: object | null): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const name = String(issue?.path[0])
  const value: unknown = new Map<string, unknown>(Object.entries(body ?? {})).get(name)
  if (value === undefined || value === null || value === '') throw missingParameter(name)
  throw issue?.code === 'invalid_type' && issue.expected === 'string' ? notAString(name) : refusedValue(name)
}
