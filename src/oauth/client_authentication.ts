import { decodeJwt } from 'jose'
import { decodeBase64, decodeUtf8 } from '../lib/bytes.ts'
import { splitOnce } from '../lib/split_once.ts'
import { invalidClient, malformedRequest, missingParameter } from './errors.ts'
import type { Parameters } from './parameters.ts'

/** The `client_assertion_type` of a JWT (RFC 7523 §2.2). */
export const JWT_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The values of `aud` that the assertions of a client can have: the issuer, or the URL of the token endpoint. */
export const ASSERTION_AUDIENCES = ['issuer', 'token_endpoint'] as const
export type AssertionAudience = (typeof ASSERTION_AUDIENCES)[number]

/** The id and the secret or the assertion that a client presents. */
export interface ClientCredentials {
  id: string
  /**
   * The possible values of the secret; empty without a secret. A Basic secret has two values: the form-decoded value (RFC 6749
   * §2.3.1) and the raw value, because clients of OroCommerce do not encode it. An id has one value, because form encoding
   * does not change the characters of a client id.
   */
  secrets: readonly string[]
  /** The signed JWT; null without one. With an assertion there is no secret. */
  assertion: string | null
}

/** The methods of client authentication, as the metadata document names them (RFC 8414 §2). */
export const CLIENT_AUTHENTICATION_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
] as const

/**
 * Reads the client's credentials from a Basic `Authorization` header or from the body, never from both (RFC 6749 §2.3). A
 * header of another scheme is not client authentication.
 *
 * @param options.bodyWins The rule of OroCommerce: each parameter of the body replaces the same parameter of the header. It does not
 *   apply to assertions.
 * @throws OAuthError invalid_request if the client uses both or has no `client_id`; invalid_client if the header is malformed
 */
export function parseClientCredentials(
  authorization: string | undefined,
  parameters: Parameters,
  { bodyWins = false } = {},
): ClientCredentials {
  const id = parameters.find('client_id')
  const secret = parameters.find('client_secret')
  const assertion = parameters.find('client_assertion')
  if (assertion !== null) {
    if (secret !== null || usesBasic(authorization)) throw malformedRequest('two_authentications')
    return readAssertion(assertion, parameters)
  }
  if (!usesBasic(authorization) || (bodyWins && id !== null && secret !== null)) return requireId(id, secret)
  const basic = parseBasic(authorization)
  if (bodyWins) return { ...basic, id: id ?? basic.id, secrets: secret === null ? basic.secrets : [secret] }
  if (secret !== null || (id !== null && id !== basic.id)) throw malformedRequest('two_authentications')
  return basic
}

/** Whether an `Authorization` header is of the Basic scheme, in upper or lower case (RFC 9110 §11.1). */
export function usesBasic(authorization: string | undefined): authorization is string {
  return authorization !== undefined && /^\s*basic(?:\s|$)/i.test(authorization)
}

function requireId(id: string | null, secret: string | null): ClientCredentials {
  if (id === null) throw missingParameter('client_id')
  return { id, secrets: secret === null ? [] : [secret], assertion: null }
}

/** `client_id` is optional, because the assertion names the client (RFC 7521 §4.2). */
function readAssertion(assertion: string, parameters: Parameters): ClientCredentials {
  if (parameters.require('client_assertion_type') !== JWT_ASSERTION_TYPE)
    throw invalidClient('the assertion is of an unknown type')
  const id = parameters.find('client_id') ?? readSubject(assertion)
  if (id === null) throw invalidClient('the assertion names no client')
  return { id, secrets: [], assertion }
}

/** The `sub` of an assertion, before any check; null for a text that is not a JWT. */
function readSubject(assertion: string): string | null {
  try {
    return decodeJwt(assertion).sub ?? null
  } catch {
    return null
  }
}

/** @param authorization A Basic header: base64 of the id, a colon and the secret (RFC 7617 §2). */
function parseBasic(authorization: string): ClientCredentials {
  const [, encoded] = splitOnce(authorization.trim(), ' ')
  const bytes = decodeBase64(encoded.trim())
  const text = bytes && decodeUtf8(bytes)
  if (text === null) throw invalidClient('Basic credentials are not base64 of UTF-8')
  const [id, secret] = splitOnce(text, ':')
  if (id === '') throw invalidClient('Basic credentials have no client_id')
  // The list has two values even if they are equal, so that the number of compared hashes does not depend on the secret.
  return { id: formDecode(id), secrets: secret === '' ? [] : [formDecode(secret), secret], assertion: null }
}

/** The form-decoded text; the raw text if it is not form-encoded. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
