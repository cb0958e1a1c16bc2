import type { AuditEvent } from '../../audit/audit_event.ts'
import type { SignedInUser } from '../../browser/read_signed_in.ts'
import { accountClientIdOf } from '../../clients/account_client.ts'
import type { ApiConfig } from '../../config/config.ts'
import type { RequestContext } from '../../lib/request_context.ts'
import type { Services } from '../../services/services.ts'

/** A call of an operation by a signed-in user, for the user's own account. An operation has no HTML and sets no cookie. */
export interface AccountCall {
  pool: string
  /** The first API of the pool. */
  api: ApiConfig
  signedIn: SignedInUser
  context: RequestContext
  services: Services
}

/** The members of an audit event of the account of the caller. */
export function originOf({ pool, api, signedIn }: AccountCall) {
  return { api: api.name, clientId: accountClientIdOf(pool), subject: signedIn.user.id }
}

/** The audit event of a change of the account by its user. */
export function accountEvent(reason: string, call: AccountCall): AuditEvent {
  return { kind: 'account', outcome: 'ok', reason, ...originOf(call), sid: null }
}
