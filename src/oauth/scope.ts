import { invalidScope } from './errors.ts'

/** One scope token: printable ASCII without space, quote or backslash (RFC 6749 §3.3). */
export const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/** The tokens of a `scope` parameter in their order, without repetitions. */
export function parseScope(text: string): string[] {
  return [...new Set(text.split(' ').filter((token) => token !== ''))]
}

export function formatScope(tokens: readonly string[]): string {
  return tokens.join(' ')
}

/** The granted scope, and whether the response must include it. */
export interface GrantedScope {
  tokens: string[]
  /** True if the granted scope differs from the requested scope, or the request has no `scope` (RFC 6749 §5.1). */
  announce: boolean
}

/**
 * The empty scope, for tokens without rights. The response has no `scope`, because RFC 6749 §3.3 does not allow an empty
 * value.
 */
export const NO_SCOPE: GrantedScope = { tokens: [], announce: false }

/**
 * Decides the granted scope. A request without `scope` gets the whole allowed scope (RFC 6749 §3.3).
 *
 * @throws OAuthError invalid_scope if the requested scope is empty or has a token that is not allowed
 */
export function grantScope(requested: string | null, allowed: readonly string[]): GrantedScope {
  if (requested === null) return { tokens: [...allowed], announce: allowed.length > 0 }
  const tokens = parseScope(requested)
  if (tokens.length === 0) throw invalidScope('the scope has only spaces')
  const excess = tokens.filter((token) => !allowed.includes(token))
  if (excess.length > 0) throw invalidScope(`${excess.length} of the requested scope tokens are not allowed`)
  return { tokens, announce: formatScope(tokens) !== requested }
}
