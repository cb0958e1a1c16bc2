import type { AuditEvent } from '../../audit/audit_event.ts'
import type { ApiConfig } from '../../config/config.ts'
import type { RequestContext } from '../../lib/request_context.ts'
import type { ManagementServices } from '../../services/management_services.ts'
import type { BrowserSession } from '../../signin/browser_session.ts'
import type { User } from '../../users/user.ts'

/**
 * A call of an operation by a signed-in user, for the user's own account: from the account page, or from the JSON API. An operation has no
 * HTML and sets no cookie.
 */
export interface AccountCall {
  pool: string
  /** The first API of the pool. */
  api: ApiConfig
  /** The client of the caller, for the audit trail. */
  clientId: string
  /** `session` is the browser session that continues; null without one. */
  signedIn: { user: User; session: Pick<BrowserSession, 'id' | 'earlierIds'> | null }
  /** The session of the access token; absent on the account page. */
  sid?: string
  context: RequestContext
  services: ManagementServices
}

/**
 * Takes one from the budget of the changes of an account, by the pages and by the JSON API together.
 *
 * @throws OAuthError too_many_attempts
 */
export async function spendChange({ signedIn, services, context }: AccountCall): Promise<void> {
  await services.bursts.spend('sign_ins', `changes of ${signedIn.user.id}`, context)
}

/** The members of an audit event of the account of the caller. */
export function originOf({ api, clientId, signedIn }: AccountCall) {
  return { api: api.name, clientId, subject: signedIn.user.id }
}

/** The audit event of a change of the account by its user. */
export function accountEvent(reason: string, call: AccountCall): AuditEvent {
  return { kind: 'account', outcome: 'ok', reason, ...originOf(call), sid: null }
}
