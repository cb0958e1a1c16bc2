const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** The token of an Authorization header (RFC 6750 §2.1); null for another scheme or a malformed token. */
export function readBearer(authorization: string): string | null {
  return BEARER.exec(authorization)?.[1] ?? null
}

/** A challenge of RFC 6750 §3 or RFC 9470 §3. `error` is absent if the request had no token. `scope` is what the request needs. */
export function bearerChallenge(
  realm: string,
  parameters: { error?: string; scope?: string; acr_values?: string; max_age?: string } = {},
): string {
  const { error, scope, acr_values, max_age } = parameters
  const members = Object.entries({ realm, error, scope, acr_values, max_age }).filter(
    ([, value]) => value !== undefined,
  )
  return `Bearer ${members.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}
