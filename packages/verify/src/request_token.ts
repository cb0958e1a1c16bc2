import { invalidToken, missingToken } from './refusal.ts'

/**
 * Reads the token of an `Authorization: Bearer` header (RFC 6750 §2.1). A request with another scheme has no token (§3.1).
 *
 * @throws Refusal 401
 */
export function readBearer(request: Request): string {
  const authorization = request.headers.get('Authorization') ?? ''
  if (!/^Bearer(?: |$)/i.test(authorization)) throw missingToken()
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? []
  if (token === undefined) throw invalidToken('the Authorization header has no bearer token')
  return token
}
