import type { Config } from '../config/config.ts'
import { unsupportedGrantType } from '../oauth/errors.ts'
import { clientCredentialsGrant } from './client_credentials_grant.ts'
import type { Grant } from './grant.ts'
import { passwordGrant } from './password_grant.ts'
import { refreshTokenGrant } from './refresh_token_grant.ts'

const GRANTS: readonly Grant[] = [passwordGrant, refreshTokenGrant, clientCredentialsGrant]

/** The grants of this server. The metadata document is made from the same list. */
export function offeredGrants(config: Config): Grant[] {
  return GRANTS.filter((grant) => grant.isOffered(config))
}

/** @throws OAuthError unsupported_grant_type */
export function requireGrant(type: string, config: Config): Grant {
  const grant = offeredGrants(config).find((candidate) => candidate.type === type)
  if (!grant) throw unsupportedGrantType()
  return grant
}
