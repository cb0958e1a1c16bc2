import { base64url } from 'jose'
import * as z from 'zod/mini'
import type { KeyRing } from '../keys/key_ring.ts'
import type { SigningKey } from '../keys/signing_key.ts'
import { sha256 } from '../lib/bytes.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { formatClaims, type IdTokenValues } from './claims.ts'
import { InvalidToken } from './invalid_token.ts'
import { signToken } from './sign_token.ts'
import { checkToken } from './verify_token.ts'

/** The `typ` of an ID token. No API and no endpoint of this server accepts this type as an access token. */
export const ID_TOKEN_TYPE = 'JWT'

/** The lifetime of an ID token. A client checks it once, at the end of the sign-in. */
const ID_TOKEN_SECONDS = 3600

/** The half of a SHA-256, in bytes. */
const HALF = 16

/** Signs an ID token that names the access token of the same response (OpenID Connect Core §3.1.3.6). */
export async function issueIdToken(
  values: Omit<IdTokenValues, 'expiresAt' | 'accessTokenHash'>,
  accessToken: string,
  key: SigningKey,
): Promise<string> {
  const accessTokenHash = base64url.encode((await sha256(accessToken)).slice(0, HALF))
  const expiresAt = values.issuedAt + ID_TOKEN_SECONDS
  return signToken(formatClaims({ ...values, expiresAt, accessTokenHash }, 'id_token'), ID_TOKEN_TYPE, key)
}

/** What an `id_token_hint` proves: this server issued it to the client for this session of the user. */
export interface IdTokenHint {
  subject: string
  clientId: string
  sid: string
}

const hintSchema = z.object({ sub: z.string(), aud: z.string(), sid: z.string() })

/**
 * Verifies an `id_token_hint` by its signature. An expired hint is valid (RP-Initiated Logout §2).
 *
 * @param clientId The client that the hint must name in `aud`; null for any client.
 * @returns null for any other text, and for an ID token of another client
 * @throws StorageUnavailable
 */
export async function verifyIdTokenHint(
  { hint, clientId }: { hint: string; clientId: string | null },
  { keys, issuer }: { keys: Pick<KeyRing, 'find'>; issuer: string },
  context: RequestContext,
): Promise<IdTokenHint | null> {
  try {
    const { payload } = await checkToken(hint, { issuer, type: ID_TOKEN_TYPE }, keys, context)
    const { success, data } = hintSchema.safeParse(payload)
    if (!success || (clientId !== null && data.aud !== clientId)) return null
    return { subject: data.sub, clientId: data.aud, sid: data.sid }
  } catch (error) {
    if (error instanceof InvalidToken) return null
    throw error
  }
}
