/** The grants that a client can list. A client that lists a grant with sessions may also refresh. */
export const CLIENT_GRANTS = ['password', 'client_credentials'] as const
export type ClientGrant = (typeof CLIENT_GRANTS)[number]

/** The values of `grant_type`. */
export const GRANT_TYPES = ['password', 'refresh_token', 'client_credentials'] as const
export type GrantType = (typeof GRANT_TYPES)[number]
