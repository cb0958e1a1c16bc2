import { isConfidential } from '../clients/client.ts'
import { grantScope } from '../oauth/scope.ts'
import { clientScopes } from './allowed_scopes.ts'
import { auditSuccess } from './audit_success.ts'
import type { Grant } from './grant.ts'
import { issueTokens } from './issue_tokens.ts'
import { requireCurrentClient } from './require_current_client.ts'

/** A client's own token (RFC 6749 §4.4): for confidential clients, without a refresh token (§4.4.3). */
export const clientCredentialsGrant: Grant = {
  type: 'client_credentials',
  isOffered: () => true,
  isAllowed: (client) => isConfidential(client) && client.grants.includes('client_credentials'),

  async run(request, services) {
    const { client, api, parameters, context } = request
    const scope = grantScope(parameters.find('scope'), clientScopes(client, api))
    await requireCurrentClient(request, services)
    const holder = { client, api, subject: client.id, roles: [] }
    const issuance = { ...holder, scope, issuedAt: context.now, session: null }
    const response = await issueTokens(issuance, services, context)
    auditSuccess(
      { kind: 'issue', reason: 'client_credentials', subject: client.id, sid: null },
      request,
      services,
    )
    return response
  },
}
