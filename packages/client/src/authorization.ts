import type { Attempt } from './attempt_store.ts'
import type { RedirectOptions } from './options.ts'
import { readClaims } from './session.ts'

/** The parameters of an authorization request or of a form. */
export type Fields = Record<string, string>

/** The response of the authorization endpoint (RFC 6749 §4.1.2). `error` is empty for a success, `code` for an error. */
export interface AuthorizationResponse {
  state: string
  issuer: string
  code: string
  error: string
}

/** The parameters that the service can add to the redirect URI, and two that other services add. */
const RESPONSE_FIELDS = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'session_state']

/** Errors after which the same request can succeed. */
const TEMPORARY_ERRORS = ['temporarily_unavailable', 'server_error', 'invalid_request_uri']

/** A new attempt with fresh secrets of 256 bits. */
export function newAttempt(redirectUri: string, returnTo: string | null): Attempt {
  return { state: randomText(), verifier: randomText(), nonce: randomText(), redirectUri, returnTo }
}

/** The parameters of an authorization request that are not specific to one attempt. */
type Wishes = Omit<RedirectOptions, 'scope'> & { scope: string | undefined }

/** The authorization request of an attempt, with PKCE (RFC 7636 §4.3). */
export async function requestFor(attempt: Attempt, wishes: Wishes): Promise<Fields> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(attempt.verifier))
  const request = {
    response_type: 'code',
    redirect_uri: attempt.redirectUri,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: toBase64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
    scope: wishes.scope,
    login_hint: wishes.loginHint,
    prompt: wishes.prompt,
    acr_values: wishes.acrValues,
    max_age: wishes.maxAgeSeconds?.toString(),
    ui_locales: wishes.uiLocales,
  }
  return Object.fromEntries(
    Object.entries(request).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** Reads the response in the URL of the redirect URI. Null for another URL. */
export function readResponse(url: URL): AuthorizationResponse | null {
  const read = (name: string) => url.searchParams.get(name) ?? ''
  const response = { state: read('state'), issuer: read('iss'), code: read('code'), error: read('error') }
  return response.state && (response.code || response.error) ? response : null
}

/** The URL without the response, so that a reload or the back button sends no code again. */
export function withoutResponse(url: URL): string {
  const rest = new URL(url)
  for (const name of RESPONSE_FIELDS) rest.searchParams.delete(name)
  return rest.href
}

/** The default redirect URI of a page. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*/s, '')
}

export function isTemporaryError(error: string): boolean {
  return TEMPORARY_ERRORS.includes(error)
}

/**
 * Whether an ID token belongs to an attempt (OpenID Connect Core §3.1.3.7). It comes from the token endpoint over TLS, so its signature
 * needs no check.
 */
export function isIdTokenOf({ nonce }: Attempt, idToken: string, clientId: string): boolean {
  const claims = readClaims(idToken)
  return claims?.nonce === nonce && claims?.aud === clientId
}

function randomText(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(32)))
}

function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=/g, '')
}
