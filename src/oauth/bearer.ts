const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** The token of an Authorization header (RFC 6750 §2.1); null for another scheme or a malformed token. */
export function readBearer(authorization: string): string | null {
  return BEARER.exec(authorization)?.[1] ?? null
}

/** A challenge of RFC 6750 §3. `error` is absent if the request had no token. `scope` is what the request needs. */
export function bearerChallenge(
  realm: string,
  { error, scope, acr_values }: { error?: string; scope?: string; acr_values?: string } = {},
): string {
  const members = Object.entries({ realm, error, scope, acr_values }).filter(
    ([, value]) => value !== undefined,
  )
  return `Bearer ${members.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}
