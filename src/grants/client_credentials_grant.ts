import { base64url } from 'jose'
import { auditSuccess } from '../audit/audit_success.ts'
import { clientScopes } from '../clients/allowed_scopes.ts'
import { isConfidential } from '../clients/client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { requireCurrentClient } from '../clients/require_current_client.ts'
import { sha256 } from '../lib/bytes.ts'
import { invalidClient } from '../oauth/errors.ts'
import { grantScope } from '../oauth/scope.ts'
import { issueTokens } from '../tokens/issue_tokens.ts'
import type { Grant, GrantServices } from './grant.ts'

/** Issues an access token whose subject is a confidential client (RFC 6749 §4.4), without a refresh token (§4.4.3). */
export const clientCredentialsGrant: Grant = {
  type: 'client_credentials',
  startsSession: false,
  isOffered: () => true,
  isAllowed: (client) => isConfidential(client) && client.grants.includes('client_credentials'),

  async run(request, services) {
    const { client, api, proofKey, parameters, context } = request
    const scope = grantScope(parameters.find('scope'), clientScopes(client, api))
    await requireCurrentClient(request, services)
    await requireUnused(request, services)
    const holder = { client, api, subject: client.id, roles: [] }
    const issuance = { ...holder, scope, issuedAt: context.now, proofKey, session: null }
    const response = await issueTokens(issuance, services, context)
    auditSuccess(
      {
        kind: 'issue',
        reason: 'client_credentials',
        subject: client.id,
        sid: null,
        grant: 'client_credentials',
      },
      request,
      services,
    )
    return response
  },
}

/**
 * Requires that the assertion of the client is used for the first time (RFC 7523 §3). The use writes a row, so it has a budget. A
 * request without an assertion writes nothing.
 *
 * @throws OAuthError invalid_client; temporarily_unavailable if the budget is used up; StorageUnavailable
 */
async function requireUnused(
  { client, proof, context }: ClientRequest,
  { oneTime, bursts }: GrantServices,
): Promise<void> {
  if (proof.method !== 'private_key_jwt') return
  if (proof.jti === null) throw invalidClient('the assertion has no jti')
  await bursts.spend('refreshes', client.id, context)
  const token = base64url.encode(await sha256(`${client.id} ${proof.jti}`))
  const isFirst = await oneTime.spend({ kind: 'client_assertion', token }, proof.expiresAt, context.now)
  if (!isFirst) throw invalidClient('the assertion was used before')
}
