import { CompactSign, type JWTPayload } from 'jose'
import type { SigningKey } from '../keys/signing_key.ts'
import { encodeUtf8 } from '../lib/bytes.ts'

/**
 * Signs a payload as a JWT (RFC 7519 §7.1). The function does not check the claims.
 *
 * @param type The `typ` of the header. A verifier uses it to refuse tokens of another kind (RFC 8725 §3.11).
 */
export function signToken(payload: JWTPayload, type: string, key: SigningKey): Promise<string> {
  return new CompactSign(encodeUtf8(JSON.stringify(payload)))
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: type })
    .sign(key.privateKey)
}
