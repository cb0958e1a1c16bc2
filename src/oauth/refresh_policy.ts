/**
 * What happens to a refresh token when it is used. `rotate`: its successor replaces it at once. `until_used`: its successor
 * replaces it with its own first use. `fixed`: the token stays valid until the session ends.
 */
export const REFRESH_POLICIES = ['rotate', 'until_used', 'fixed'] as const
export type RefreshPolicy = (typeof REFRESH_POLICIES)[number]
