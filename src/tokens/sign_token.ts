import { CompactSign, type JWTPayload } from 'jose'
import type { SigningKey } from '../keys/signing_key.ts'
import { encodeUtf8 } from '../lib/bytes.ts'

/**
 * A JWT of that payload (RFC 7519 §7.1), signed as it is: every claim of ours is made of checked values, so none is
 * looked at again.
 *
 * @param type The `typ` of the header, which keeps one kind of token from passing for another (RFC 8725 §3.11).
 */
export function signToken(payload: JWTPayload, type: string, key: SigningKey): Promise<string> {
  return new CompactSign(encodeUtf8(JSON.stringify(payload)))
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: type })
    .sign(key.privateKey)
}
