import { env } from 'cloudflare:workers'
import { consentIdOf } from '../../src/authorization/consent.ts'
import { withdrawConsent } from '../../src/authorization/withdraw_consent.ts'
import type { TestServer } from './server.ts'
import type { Code } from './session_model.ts'

/** The id of the consent of a code. */
export function consentOf(code: Pick<Code, 'subject' | 'clientId' | 'redirectUri'>): Promise<string> {
  const { subject, clientId, redirectUri } = code
  return consentIdOf({ subject, clientId, api: 'storefront', redirectUri })
}

/** Withdraws the consent of a code. If the exchange has not stored it yet, the user gave a consent before. */
export async function withdrawConsentOf(server: TestServer, code: Code): Promise<void> {
  const { subject, clientId, redirectUri } = code
  const now = server.clock.time
  const id = await consentOf(code)
  await env.DB.prepare(
    `INSERT INTO consents (id, subject, client_id, api, redirect_uri, scopes, created_at, updated_at)
     VALUES (?1, ?2, ?3, 'storefront', ?4, '[]', ?5, ?5) ON CONFLICT DO NOTHING`,
  )
    .bind(id, subject, clientId, redirectUri, now)
    .run()
  const consent = await server.services.consents.find(subject, id)
  if (consent === null) throw new Error('the user has no consent')
  await withdrawConsent(consent, [], server.services, now)
}
