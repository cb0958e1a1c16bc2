import { decodeProfile } from '../users/profile.ts'
import type { StoredUser } from '../users/user.ts'
import { type IdentityClaims, selectIdentity } from './claims.ts'

/**
 * The claims about a user for ID tokens and userinfo: those of the scopes `profile` and `email` (OpenID Connect Core §5.4).
 *
 * @throws CorruptRecord
 */
export function identityClaims(user: StoredUser, scope: readonly string[]): IdentityClaims {
  if (!scope.includes('profile') && !scope.includes('email')) return {}
  const profile = decodeProfile(`user ${user.id}`, user.profileJson)
  const { name = null, given_name = null, family_name = null, locale = null, email = null } = profile
  const claims = {
    name,
    givenName: given_name,
    familyName: family_name,
    locale,
    updatedAt: user.updatedAt ?? user.createdAt,
    email,
    emailVerified: email === null ? null : profile.email_verified === true,
  }
  return selectIdentity(claims, scope)
}
