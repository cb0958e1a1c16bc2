import type { StoredUser } from '../users/user.ts'
import { type IdentityClaims, selectIdentity } from './claims.ts'

/** The claims about a user for ID tokens and userinfo: those of the scopes `profile` and `email` (OpenID Connect Core §5.4). */
export function identityClaims(user: StoredUser, scope: readonly string[]): IdentityClaims {
  const { name = null, given_name = null, family_name = null, locale = null, email = null } = user.profile
  const { email_verified: isVerified = false } = user.profile
  return selectIdentity(
    {
      name,
      givenName: given_name,
      familyName: family_name,
      locale,
      updatedAt: user.updatedAt ?? user.createdAt,
      email,
      emailVerified: email === null ? null : isVerified,
    },
    scope,
  )
}
