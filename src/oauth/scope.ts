import { invalidScope } from './errors.ts'

/** One scope token: printable ASCII without space, quote or backslash (RFC 6749 §3.3). */
export const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/** The tokens of a `scope` parameter, each once, in the order asked for. */
export function parseScope(text: string): string[] {
  return [...new Set(text.split(' ').filter((token) => token !== ''))]
}

export function formatScope(tokens: readonly string[]): string {
  return tokens.join(' ')
}

/** What was granted, and whether the response must say so. */
export interface GrantedScope {
  tokens: string[]
  /** True where something is granted that differs from what was asked, or nothing was asked (RFC 6749 §5.1). */
  announce: boolean
}

/**
 * The empty scope, of tokens that may do nothing for now. The response has no `scope` then, because `scope` has at least one
 * token (RFC 6749 §3.3).
 */
export const NO_SCOPE: GrantedScope = { tokens: [], announce: false }

/**
 * Decides what is granted: all that is allowed where nothing is asked for (RFC 6749 §3.3).
 *
 * @throws OAuthError invalid_scope where more is asked for than is allowed, or spaces alone: a scope has at least one token
 */
export function grantScope(asked: string | null, allowed: readonly string[]): GrantedScope {
  if (asked === null) return { tokens: [...allowed], announce: allowed.length > 0 }
  const tokens = parseScope(asked)
  if (tokens.length === 0) throw invalidScope('spaces alone are no scope')
  const excess = tokens.filter((token) => !allowed.includes(token))
  if (excess.length > 0) throw invalidScope(`${excess.length} of the scope tokens asked for are not allowed`)
  return { tokens, announce: formatScope(tokens) !== asked }
}
