import { grantScope } from '../oauth/scope.ts'
import { clientScopes } from './allowed_scopes.ts'
import type { Grant } from './grant.ts'
import { issueTokens } from './issue_tokens.ts'

/** A client's own token (RFC 6749 §4.4): for confidential clients, without a refresh token (§4.4.3). */
export const clientCredentialsGrant: Grant = {
  type: 'client_credentials',
  isOffered: () => true,
  isAllowed: (client) => client.confidential && client.grants.includes('client_credentials'),

  async run(request, services) {
    const { client, api, parameters } = request
    const scope = grantScope(parameters.find('scope'), clientScopes(client, api))
    return issueTokens({ subject: client.id, roles: [], scope, session: null }, request, services)
  },
}
