import { compact } from '../lib/compact.ts'
import { type AuthorizationFailure, describeAuthorizationFailure } from '../oauth/authorization_failure.ts'
import type { ReturnAddress } from './authorization_request.ts'

/** The result for the client: a code, or an error. */
export type AuthorizationResult = { code: string } | { failure: AuthorizationFailure }

/** The response to the browser: a redirect, or a form that posts the parameters to the client. */
export type AuthorizationResponse =
  | { mode: 'query'; location: string }
  | { mode: 'form_post'; action: string; fields: Readonly<Record<string, string>> }

/**
 * Makes the response for the client, success or error. It always has `iss` (RFC 9207 §2).
 *
 * @param issuer The issuer, exactly as in the metadata.
 */
export function respondToClient(
  result: AuthorizationResult,
  { redirectUri, responseMode, state }: ReturnAddress,
  issuer: string,
): AuthorizationResponse {
  const members = 'code' in result ? { code: result.code } : describeFailure(result.failure)
  const fields = compact({ ...members, state: state ?? undefined, iss: issuer })
  if (responseMode === 'form_post') return { mode: 'form_post', action: redirectUri, fields }
  return { mode: 'query', location: withParameters(redirectUri, fields) }
}

/** Adds parameters to a URI. The rest of the URI keeps its exact text (RFC 6749 §4.1.2). */
export function withParameters(uri: string, fields: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(fields).toString()
  const separator = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&'
  return uri + separator + query
}

function describeFailure(failure: AuthorizationFailure): Record<string, string> {
  const { error, description } = describeAuthorizationFailure(failure)
  return { error, error_description: description }
}
