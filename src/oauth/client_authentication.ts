import { decodeBase64, decodeUtf8 } from '../lib/bytes.ts'
import { splitOnce } from '../lib/split_once.ts'
import { invalidClient, malformedRequest, missingParameter } from './errors.ts'
import type { Parameters } from './parameters.ts'

/** Who a client says it is. `secret` is null where it presented none. */
export interface ClientCredentials {
  id: string
  secret: string | null
}

/** How a client may authenticate, by the names of the metadata document (RFC 8414 §2). */
export const CLIENT_AUTHENTICATION_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const

/**
 * Reads the client's credentials from the Authorization header or the body, never from both (RFC 6749 §2.3).
 *
 * @throws OAuthError invalid_request where both are used or no client is named, invalid_client where the
 *   header is broken
 */
export function parseClientCredentials(
  authorization: string | null,
  parameters: Parameters,
): ClientCredentials {
  const bodyId = parameters.find('client_id')
  const bodySecret = parameters.find('client_secret')
  if (authorization === null) {
    if (bodyId === null) throw missingParameter('client_id')
    return { id: bodyId, secret: bodySecret }
  }
  const basic = parseBasic(authorization)
  if (bodySecret !== null || (bodyId !== null && bodyId !== basic.id)) {
    throw malformedRequest('The client must authenticate in one way only.')
  }
  return basic
}

/** Basic credentials: both halves form-encoded, split at the first colon (RFC 6749 §2.3.1, RFC 7617 §2). */
function parseBasic(authorization: string): ClientCredentials {
  const [scheme, encoded] = splitOnce(authorization.trim(), ' ')
  if (scheme.toLowerCase() !== 'basic') throw invalidClient('Authorization is not of the Basic scheme')
  const bytes = decodeBase64(encoded.trim())
  const text = bytes && decodeUtf8(bytes)
  if (text === null) throw invalidClient('Basic credentials are not base64 of UTF-8')
  const [id, secret] = splitOnce(text, ':').map(decodeHalf) as [string, string]
  if (id === '') throw invalidClient('Basic credentials name no client')
  return { id, secret: secret || null }
}

function decodeHalf(half: string): string {
  try {
    return decodeURIComponent(half.replaceAll('+', ' '))
  } catch {
    throw invalidClient('Basic credentials have a broken percent sequence')
  }
}
