import type { Context } from 'hono'
import { AuthorizationError } from '../authorization/authorization_error.ts'
import { respondToClient } from '../authorization/authorization_response.ts'
import { issueCode } from '../authorization/issue_code.ts'
import { guestScopes } from '../clients/allowed_scopes.ts'
import { OAuthError } from '../oauth/errors.ts'
import { generateVisitorId } from '../users/visitor.ts'
import { type BrowserRequest, readBrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import { sendToClient } from './send_to_client.tsx'

/**
 * Issues a code for a new guest, without a page and without a cookie. Each request makes another guest. The server stores nothing
 * before the exchange.
 *
 * @throws UnprovenRequest, AuthorizationError, StorageUnavailable
 */
export async function authorizeVisitor(c: Context, services: BrowserServices): Promise<Response> {
  const browserRequest = await readBrowserRequest(c, services)
  const { client, api, context } = browserRequest
  if (!client.isFirstParty || !api.guests) throw new AuthorizationError('no_guests', browserRequest.request)
  const scope = scopeOfGuest(browserRequest)
  await spendGuest(browserRequest, services)
  const request = { ...browserRequest.request, scope, visitor: null }
  const holder = { subject: generateVisitorId(), auth: null, consent: null, validFrom: 0 }
  const { code } = await issueCode(holder, request, context, services)
  return sendToClient(c, respondToClient({ code }, request, services.config.issuer), services)
}

/** The requested scope without the scopes that a guest cannot have. @throws AuthorizationError invalid_scope */
export function scopeOfGuest(browserRequest: BrowserRequest): string[] {
  const { request, client, api } = browserRequest
  const allowed = guestScopes(client, api)
  const granted = request.scope.filter((scope) => allowed.includes(scope))
  if (granted.length > 0 || request.scope.length === 0 || allowed.length === 0) return granted
  throw new AuthorizationError('guest_scope', request)
}

/** @throws AuthorizationError temporarily_unavailable if the IP address of the browser has used its budget of guests */
async function spendGuest(browserRequest: BrowserRequest, { bursts }: BrowserServices): Promise<void> {
  try {
    await bursts.spend('guests', browserRequest.client.id, browserRequest.context)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    throw new AuthorizationError('too_many_requests', browserRequest.request)
  }
}
