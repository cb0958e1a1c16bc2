import type { Refusal } from './refusal.ts'
import { type MakeBody, TokenError } from './token_error.ts'

/** The parts of a refusal that are the same for all requests of an API. */
export interface RefusalSettings {
  /** The `realm` of each challenge (RFC 9110 §11.5). */
  realm: string
  /** The URL of the document of the API (RFC 9728 §5.1); null if the API serves none. */
  resourceMetadataUrl: string | null
  makeBody: MakeBody | undefined
}

/**
 * Makes the error that the API gets. Each challenge has the realm, the URL of the document of the API and all scope tokens that
 * the operation requires (RFC 6750 §3), so that a client can request them at once.
 */
export function describeRefusal(
  refusal: Refusal,
  { realm, resourceMetadataUrl, makeBody }: RefusalSettings,
  scope: readonly string[],
): TokenError {
  const { code, status, parameters, message, cause } = refusal
  const challenge =
    parameters &&
    formatChallenge('Bearer', {
      realm,
      ...parameters,
      ...(scope.length > 0 && { scope: scope.join(' ') }),
      ...(resourceMetadataUrl !== null && { resource_metadata: resourceMetadataUrl }),
    })
  const parts = { code, status, challenge, scope, ...(makeBody && { makeBody }) }
  return new TokenError(parts, message, cause === undefined ? undefined : { cause })
}

/** The values must have no quotes and no backslashes. */
function formatChallenge(scheme: string, parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`)
  return `${scheme} ${pairs.join(', ')}`
}
