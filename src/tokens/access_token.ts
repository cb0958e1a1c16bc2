import type { SigningKey } from '../keys/signing_key.ts'
import { randomId } from '../lib/bytes.ts'
import { type ClaimValues, formatClaims } from './claims.ts'
import { signToken } from './sign_token.ts'

/** The media type of an access token (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'

/** Signs an access token. */
export function issueAccessToken(values: Omit<ClaimValues, 'jti'>, key: SigningKey): Promise<string> {
  const payload = formatClaims({ ...values, jti: randomId(16) }, 'access_token')
  return signToken(payload, ACCESS_TOKEN_TYPE, key)
}
