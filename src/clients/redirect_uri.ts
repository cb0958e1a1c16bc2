import { isLoopback, isSecure } from '../config/origin.ts'
import { findUriProblem } from '../lib/exact_uri.ts'

/** The most redirect URIs of a client. */
export const MAX_REDIRECT_URIS = 20

/**
 * The kind of a redirect URI (RFC 8252 §7): `web` is an https URI, `loopback` is a URI of the user's machine, and `private` is a
 * private-use scheme of an app. Other apps on the user's device can receive the last two.
 */
export type RedirectKind = 'web' | 'loopback' | 'private'

/** A private-use scheme has a dot, because it begins with a reversed domain name (RFC 8252 §7.1). */
const PRIVATE_USE = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:\/./
const LOOPBACK_PORT = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)):[1-9]\d{0,4}(?=[/?]|$)/

/** Finds the problem of a redirect URI or post-logout redirect URI; null for a URI that a client can register. */
export function findRedirectUriProblem(uri: string): string | null {
  const problem = findUriProblem(uri)
  if (problem !== null) return problem
  if (uri.includes('#')) return 'must not have a fragment (RFC 6749 §3.1.2)'
  if (isSecure(new URL(uri)) || PRIVATE_USE.test(uri)) return null
  return 'must be https, http to 127.0.0.1, [::1] or localhost, or a scheme with a dot, such as com.example.app:/callback'
}

/** Whether a text begins with a private-use scheme. */
export function isPrivateUse(text: string): boolean {
  return PRIVATE_USE.test(text)
}

/** @param uri A redirect URI without a problem. */
export function kindOfRedirect(uri: string): RedirectKind {
  if (isPrivateUse(uri)) return 'private'
  return isLoopback(uri) ? 'loopback' : 'web'
}

/**
 * Finds the URI to which the response to a client goes. The comparison is exact, except that an http URI of a loopback host has any
 * port (RFC 8252 §7.3).
 *
 * @param requested The parameter `redirect_uri`; null if the request has none. Then the client must have exactly one redirect URI.
 * @returns The URI with the requested port; null if the client has not registered it
 */
export function findRedirectUri(
  { redirectUris }: { redirectUris: readonly string[] },
  requested: string | null,
): string | null {
  const [first = null, ...others] = redirectUris
  if (requested === null) return others.length === 0 ? first : null
  const sought = withoutLoopbackPort(requested)
  return redirectUris.some((uri) => withoutLoopbackPort(uri) === sought) ? requested : null
}

/** The URI without the port of a loopback host. It is the same for each start of an app, so a consent names this URI. */
export function withoutLoopbackPort(uri: string): string {
  return URL.canParse(uri) ? uri.replace(LOOPBACK_PORT, '$1') : uri
}
