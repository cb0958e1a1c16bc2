import * as z from 'zod/mini'
import type { StoredConsent } from '../authorization/consent_store.ts'
import { CONSENT_WITHDRAWN, withdrawConsent } from '../authorization/withdraw_consent.ts'
import { adminEvent } from './change.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { notFound } from './problem.ts'
import { named } from './schemas.ts'
import { requirePermissionForUser } from './user_actions.ts'
import { idOf, requireReadableUser, requireUser } from './users.ts'

const PATH = '/users/{id}/consents'

/** The most consents in a list. A user has one for each third-party client and redirect URI. */
const MAX_LISTED = 100

export const consentSchema = named(
  'Consent',
  z.strictObject({
    consent_id: z.string(),
    client_id: z.string(),
    /** Null for a deleted client. */
    client_name: z.nullable(z.string()),
    api: z.string(),
    /** Without the port of a loopback address. */
    redirect_uri: z.string(),
    scopes: z.array(z.string()),
    created_at: z.int(),
    updated_at: z.int(),
    /** Null while the consent is valid. */
    withdrawn_at: z.nullable(z.int()),
  }),
)
/** At most 100 consents. */
export const consentsSchema = named('Consents', z.strictObject({ items: z.array(consentSchema) }))

const listUserConsents = operation({
  id: 'listUserConsents',
  method: 'GET',
  path: PATH,
  summary: 'Lists the consents of a user to third-party clients, newest first, including withdrawn consents',
  tag: 'users',
  role: 'support',
  scope: 'users:read',
  status: 200,
  response: consentsSchema,
  async handle(call) {
    const { id } = await requireReadableUser(idOf(call), call)
    return { body: { items: await listConsentsOf(id, call) } }
  },
})

const withdraw = operation({
  id: 'withdrawConsent',
  method: 'DELETE',
  path: `${PATH}/{consent_id}`,
  summary: 'Withdraws a consent, and ends the sessions that began under it',
  tag: 'users',
  role: 'support',
  scope: 'sessions:end',
  status: 204,
  async handle(call) {
    const { params, services, context } = call
    const id = idOf(call)
    await requirePermissionForUser(id, call)
    await requireUser(id, call)
    const consent = await services.consents.find(id, params.consent_id ?? '')
    if (consent === null) throw notFound('consent')
    const { subject, clientId, api } = consent
    const about = { subject, clientId, api, change: { operation: 'withdrawConsent' } }
    const event = { ...adminEvent(call, 'the consent was withdrawn', about), kind: 'revoke' } as const
    const alongside = [services.audit.additionIfChanged(event, context)]
    const sids = await withdrawConsent(consent, alongside, services, context.now)
    await services.audit.addForSessions(sids, { ...event, reason: CONSENT_WITHDRAWN }, context)
    return { body: undefined }
  },
})

export const USER_CONSENTS: readonly Operation[] = [listUserConsents, withdraw]

/** The newest consents of a user, at most 100. @throws StorageUnavailable, CorruptRecord */
export async function listConsentsOf(
  subject: string,
  { services }: Pick<Call, 'services'>,
): Promise<z.output<typeof consentSchema>[]> {
  const consents = await services.consents.list(subject, MAX_LISTED)
  const clients = await services.clientAdmin.findMany([...new Set(consents.map(({ clientId }) => clientId))])
  const names = new Map(clients.map((client) => [client.id, client.name]))
  return consents.map((consent) => showConsent(consent, names))
}

function showConsent(
  consent: StoredConsent,
  names: ReadonlyMap<string, string>,
): z.output<typeof consentSchema> {
  return {
    consent_id: consent.id,
    client_id: consent.clientId,
    client_name: names.get(consent.clientId) ?? null,
    api: consent.api,
    redirect_uri: consent.redirectUri,
    scopes: [...consent.scopes],
    created_at: consent.createdAt,
    updated_at: consent.updatedAt,
    withdrawn_at: consent.withdrawnAt,
  }
}
