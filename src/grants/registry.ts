import type { Client } from '../clients/client.ts'
import type { Config } from '../config/config.ts'
import { unauthorizedClient, unsupportedGrantType } from '../oauth/errors.ts'
import { authorizationCodeGrant } from './authorization_code_grant.ts'
import { clientCredentialsGrant } from './client_credentials_grant.ts'
import type { Grant } from './grant.ts'
import { passwordGrant } from './password_grant.ts'
import { refreshTokenGrant } from './refresh_token_grant.ts'

const GRANTS: readonly Grant[] = [
  passwordGrant,
  authorizationCodeGrant,
  refreshTokenGrant,
  clientCredentialsGrant,
]

/** The grants that the server offers, in the order of the metadata document. */
export function offeredGrants(config: Config): Grant[] {
  return GRANTS.filter((grant) => grant.isOffered(config))
}

/** @throws OAuthError unsupported_grant_type, or unauthorized_client if the client may not use the grant */
export function requireGrant(type: string, client: Client, config: Config): Grant {
  const grants = offeredGrants(config)
  const grant = grants.find((candidate) => candidate.type === type)
  if (!grant) throw unsupportedGrantType()
  if (!grant.isAllowed(client, grants)) throw unauthorizedClient(`${client.id} may not use ${grant.type}`)
  return grant
}
