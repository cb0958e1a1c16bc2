import { decodeBase64, decodeUtf8 } from '../lib/bytes.ts'
import { splitOnce } from '../lib/split_once.ts'
import { invalidClient, malformedRequest, missingParameter } from './errors.ts'
import type { Parameters } from './parameters.ts'

/** The id and the secret that a client presents. */
export interface ClientCredentials {
  id: string
  /**
   * The possible values of the secret; empty without a secret. A Basic secret has two: form-decoded (RFC 6749
   * §2.3.1), and raw, because clients of OroCommerce send it raw. An id has one, because no character of an id is encoded.
   */
  secrets: readonly string[]
}

/** How a client may authenticate, by the names of the metadata document (RFC 8414 §2). */
export const CLIENT_AUTHENTICATION_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const

/**
 * Reads the client's credentials from a Basic `Authorization` header or from the body, never from both (RFC 6749 §2.3). A
 * header of another scheme is not client authentication.
 *
 * @param options.bodyWins OroCommerce's rule: the body's parameters replace those of the header, one by one.
 * @throws OAuthError invalid_request if both are used or no client is named; invalid_client if the header is malformed
 */
export function parseClientCredentials(
  authorization: string | undefined,
  parameters: Parameters,
  { bodyWins = false } = {},
): ClientCredentials {
  const id = parameters.find('client_id')
  const secret = parameters.find('client_secret')
  if (!usesBasic(authorization) || (bodyWins && id !== null && secret !== null)) return requireId(id, secret)
  const basic = parseBasic(authorization)
  if (bodyWins) return { id: id ?? basic.id, secrets: secret === null ? basic.secrets : [secret] }
  if (secret !== null || (id !== null && id !== basic.id)) throw malformedRequest('two_authentications')
  return basic
}

/** Whether an `Authorization` header is of the Basic scheme, in any case (RFC 9110 §11.1). */
export function usesBasic(authorization: string | undefined): authorization is string {
  return authorization !== undefined && /^\s*basic(?:\s|$)/i.test(authorization)
}

function requireId(id: string | null, secret: string | null): ClientCredentials {
  if (id === null) throw missingParameter('client_id')
  return { id, secrets: secret === null ? [] : [secret] }
}

/** @param authorization A header of the Basic scheme: base64 of the id and the secret, split at the first colon (RFC 7617 §2). */
function parseBasic(authorization: string): ClientCredentials {
  const [, encoded] = splitOnce(authorization.trim(), ' ')
  const bytes = decodeBase64(encoded.trim())
  const text = bytes && decodeUtf8(bytes)
  if (text === null) throw invalidClient('Basic credentials are not base64 of UTF-8')
  const [id, secret] = splitOnce(text, ':')
  if (id === '') throw invalidClient('Basic credentials name no client')
  // Two readings even if they are equal: the work must not depend on the text.
  return { id: decodeHalf(id), secrets: secret === '' ? [] : [decodeHalf(secret), secret] }
}

/** The form-decoded text; the raw text if it is not form-encoded. */
function decodeHalf(half: string): string {
  try {
    return decodeURIComponent(half.replaceAll('+', ' '))
  } catch {
    return half
  }
}
