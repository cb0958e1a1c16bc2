import { DPOP_ALGORITHMS } from '#verify/dpop_proof'
import { compact } from '../lib/compact.ts'

const CREDENTIALS = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*) *$/i

/** An access token as a request presents it. */
export interface PresentedToken {
  scheme: 'Bearer' | 'DPoP'
  token: string
}

/** The token of an Authorization header (RFC 6750 §2.1, RFC 9449 §7.1); null for another scheme or a malformed token. */
export function readPresentedToken(authorization: string): PresentedToken | null {
  const [, scheme, token] = CREDENTIALS.exec(authorization) ?? []
  if (scheme === undefined || token === undefined) return null
  return { scheme: usesDpop(authorization) ? 'DPoP' : 'Bearer', token }
}

/** Whether an `Authorization` header is of the scheme DPoP, in any case (RFC 9110 §11.1). */
function usesDpop(authorization: string | undefined): boolean {
  return authorization !== undefined && /^dpop(?: |$)/i.test(authorization)
}

/** The parameters of a challenge. `error` is absent if the request had no token. `scope` is what the request needs. */
export interface ChallengeParameters {
  error?: string
  scope?: string
  acr_values?: string
  max_age?: string
}

/**
 * A challenge of RFC 6750 §3 or RFC 9470 §3. A request with the scheme DPoP gets a challenge of that scheme (RFC 9449 §7.1).
 *
 * @param authorization The Authorization header of the request.
 */
export function tokenChallenge(
  authorization: string | undefined,
  realm: string,
  { error, scope, acr_values, max_age }: ChallengeParameters = {},
): string {
  const isDpop = usesDpop(authorization)
  const algs = isDpop ? DPOP_ALGORITHMS.join(' ') : undefined
  const members = Object.entries(compact({ realm, error, scope, acr_values, max_age, algs }))
  return `${isDpop ? 'DPoP' : 'Bearer'} ${members.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}
