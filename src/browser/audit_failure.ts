import type { OAuthError } from '../oauth/errors.ts'
import type { BrowserServices } from './browser_services.ts'
import type { Situation } from './situation.ts'

/** Adds a refused password or second factor to the audit trail. */
export function auditFailure(
  { reason, about }: Pick<OAuthError, 'reason' | 'about'>,
  { browserRequest: { client, api, context } }: Situation,
  { audit }: BrowserServices,
): void {
  const { subject = null, cause = 'other' } = about
  const who = { api: api.name, clientId: client.id, subject, sid: null, grant: 'authorization_code' }
  audit.record({ kind: 'sign_in_failure', outcome: 'refused', reason, cause, ...who }, context)
}
