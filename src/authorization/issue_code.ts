import { base64url } from 'jose'
import { sha256 } from '../lib/bytes.ts'
import type { Location } from '../lib/market.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { SessionShards } from '../sessions/session_shards.ts'
import type { AuthorizationCode, CodeSealer } from './authorization_code.ts'
import { AuthorizationError } from './authorization_error.ts'
import type { AuthorizationRequest } from './authorization_request.ts'

const URI_HASH_CHARACTERS = 22

/** The user or the guest of a code. Times are Unix seconds. */
export interface CodeHolder {
  subject: string
  /** The authentication of the user; null for a guest. */
  auth: AuthorizationCode['auth']
  consent: AuthorizationCode['consent']
  /** Tokens of the holder are valid from this second. */
  validFrom: number
}

interface Dependencies {
  codes: CodeSealer
  shards: SessionShards
}

/**
 * Issues a code. The server stores nothing before the exchange.
 *
 * @returns the code, and the session that its exchange opens
 * @throws AuthorizationError if the code would be too long
 */
export async function issueCode(
  holder: CodeHolder,
  request: AuthorizationRequest,
  { now, ...location }: Pick<RequestContext, keyof Location | 'now'>,
  { codes, shards }: Dependencies,
): Promise<{ code: string; sid: string }> {
  const sid = shards.newSid(location)
  const code = await codes.seal({
    sid,
    sub: holder.subject,
    client: request.clientId,
    api: request.api,
    scope: request.scope,
    uri: request.hasRedirectUri ? await hashUri(request.redirectUri) : null,
    challenge: request.codeChallenge,
    key: request.proofKey,
    nonce: request.nonce,
    iat: Math.max(now, holder.validFrom),
    at: now,
    auth: holder.auth,
    consent: holder.consent,
    visitor: request.visitor,
  })
  if (code !== null) return { code, sid }
  throw new AuthorizationError('long_code', request)
}

/** The hash of a redirect URI in a code: 128 bits of the SHA-256, base64url. */
export async function hashUri(uri: string): Promise<string> {
  return base64url.encode(await sha256(uri)).slice(0, URI_HASH_CHARACTERS)
}
