/** The grants that the record of a client can list. A grant that issues sessions also allows refreshes. */
export const CLIENT_GRANTS = [
  'password',
  'client_credentials',
  'authorization_code',
  'refresh_token',
] as const
export type ClientGrant = (typeof CLIENT_GRANTS)[number]

/** The values of `grant_type`. */
export const GRANT_TYPES = ['password', 'refresh_token', 'client_credentials', 'authorization_code'] as const
export type GrantType = (typeof GRANT_TYPES)[number]
