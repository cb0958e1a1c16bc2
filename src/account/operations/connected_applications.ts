import type * as z from 'zod/mini'
import { type consentSchema, listConsentsOf } from '../../admin/user_consents.ts'
import { CONSENT_WITHDRAWN, withdrawConsent } from '../../authorization/withdraw_consent.ts'
import { type AccountCall, originOf } from './account_call.ts'

/** An application that can use the account of the caller, as the account page and the JSON API show it. */
export type ConnectedApplication = Omit<z.output<typeof consentSchema>, 'updated_at' | 'withdrawn_at'>

/** The valid consents of the caller, newest first. @throws StorageUnavailable, CorruptRecord */
export async function listApplications({ signedIn, services }: AccountCall): Promise<ConnectedApplication[]> {
  const consents = await listConsentsOf(signedIn.user.id, { services })
  return consents
    .filter(({ withdrawn_at: withdrawnAt }) => withdrawnAt === null)
    .map(({ updated_at, withdrawn_at, ...application }) => application)
}

/**
 * Withdraws a consent of the caller, and ends the sessions that began under it. A repeated call ends the sessions that are left.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
async function withdrawAccess(consentId: string, call: AccountCall): Promise<void> {
  const { signedIn, services, context } = call
  const consent = await services.consents.find(signedIn.user.id, consentId)
  if (consent === null) return
  const about = { ...originOf(call), clientId: consent.clientId, api: consent.api, sid: null }
  const event = { kind: 'revoke', outcome: 'ok', ...about, reason: 'the user withdrew the consent' } as const
  const alongside = [services.audit.additionIfChanged(event, context)]
  const sids = await withdrawConsent(consent, alongside, services, context.now)
  await services.audit.addForSessions(sids, { ...event, reason: CONSENT_WITHDRAWN }, context)
}

/** Withdraws every consent of the caller for a client. @returns the valid ones @throws StorageUnavailable, CorruptRecord */
export async function withdrawApplication(
  clientId: string,
  call: AccountCall,
): Promise<ConnectedApplication[]> {
  const applications = await listApplications(call)
  const consents = applications.filter(({ client_id: id }) => id === clientId)
  for (const { consent_id: consentId } of consents) await withdrawAccess(consentId, call)
  return consents
}
