/** The scopes of OpenID Connect that this server grants (Core §5.4). They belong to no API. */
export const IDENTITY_SCOPES = ['openid', 'profile', 'email'] as const
export type IdentityScope = (typeof IDENTITY_SCOPES)[number]

/** A scope that clients send and that changes nothing: a client with the grant `refresh_token` always gets a refresh token. */
export const OFFLINE_ACCESS = 'offline_access'

const NAMES: ReadonlySet<string> = new Set(IDENTITY_SCOPES)

export function isIdentityScope(scope: string): scope is IdentityScope {
  return NAMES.has(scope)
}
