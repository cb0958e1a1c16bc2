import { invalidToken, missingToken } from './refusal.ts'

/** An access token as it reaches the verifier. */
export interface PresentedToken {
  token: string
  /** The request of the token; null for a token without a request. */
  request: Request | null
  isDpop: boolean
}

/**
 * Reads the token of an `Authorization` header (RFC 6750 §2.1, RFC 9449 §7.1). A request with another scheme has no token (§3.1).
 *
 * @param acceptsDpop Whether `DPoP` is a scheme of the API, as `Bearer` is.
 * @throws Refusal 401
 */
export function readToken(input: Request | string, acceptsDpop: boolean): PresentedToken {
  if (typeof input === 'string') return { token: input, request: null, isDpop: false }
  const [, scheme, rest = ''] = /^(Bearer|DPoP)( .*|)$/i.exec(authorizationOf(input)) ?? []
  const isDpop = usesDpop(input)
  if (scheme === undefined || (isDpop && !acceptsDpop)) throw missingToken()
  const [, token] = /^ +([A-Za-z0-9._~+/-]+=*)$/.exec(rest) ?? []
  if (token === undefined)
    throw invalidToken(`the Authorization header has no ${isDpop ? 'DPoP' : 'bearer'} token`)
  return { token, request: input, isDpop }
}

/** Whether the credentials of a request are of the scheme `DPoP`, in any case (RFC 9110 §11.1). */
export function usesDpop(input: Request | string): boolean {
  return typeof input !== 'string' && /^DPoP(?: |$)/i.test(authorizationOf(input))
}

function authorizationOf(request: Request): string {
  return request.headers.get('Authorization') ?? ''
}
