import type { DpopMode } from './dpop_options.ts'
import { DPOP_ALGORITHMS } from './dpop_proof.ts'
import type { Refusal } from './refusal.ts'
import { type MakeBody, TokenError } from './token_error.ts'

/** The parts of a refusal that are the same for all requests of an API. */
export interface RefusalSettings {
  /** The `realm` of each challenge (RFC 9110 §11.5). */
  realm: string
  /** The URL of the document of the API (RFC 9728 §5.1); null if the API serves none. */
  resourceMetadataUrl: string | null
  /** Null for an API with bearer tokens only. */
  dpop: DpopMode | null
  makeBody: MakeBody | undefined
}

/** The parts of a refusal that the request decides. */
interface RefusedRequest {
  /** The scope tokens that the operation requires. */
  scope: readonly string[]
  /** Whether the request has the scheme `DPoP`. */
  usesDpop: boolean
}

/**
 * Makes the error that the API gets. Each challenge has the realm, the URL of the document of the API and all scope tokens that
 * the operation requires (RFC 6750 §3), so that a client can request them at once.
 */
export function describeRefusal(
  { code, status, parameters, nonce, message, cause }: Refusal,
  settings: RefusalSettings,
  request: RefusedRequest,
): TokenError {
  const { makeBody } = settings
  const challenge = parameters && formatChallenges(parameters, settings, request)
  const parts = { code, status, challenge, scope: request.scope, nonce, ...(makeBody && { makeBody }) }
  return new TokenError(parts, message, cause === undefined ? undefined : { cause })
}

/**
 * A request with the scheme `DPoP` gets the challenge of this scheme. Another request gets one for each scheme of the API, and the
 * first one has the error (RFC 9449 §7.2).
 */
function formatChallenges(
  parameters: Readonly<Record<string, string>>,
  { realm, resourceMetadataUrl, dpop }: RefusalSettings,
  { scope, usesDpop }: RefusedRequest,
): string {
  const challenges = schemesOf(dpop, usesDpop).map((scheme, index) =>
    formatChallenge(scheme, {
      realm,
      ...(index === 0 && parameters),
      ...(scope.length > 0 && { scope: scope.join(' ') }),
      ...(resourceMetadataUrl !== null && { resource_metadata: resourceMetadataUrl }),
      ...(scheme === 'DPoP' && { algs: DPOP_ALGORITHMS.join(' ') }),
    }),
  )
  return challenges.join(', ')
}

function schemesOf(dpop: DpopMode | null, usesDpop: boolean): readonly string[] {
  if (dpop === null) return ['Bearer']
  return usesDpop || dpop === 'required' ? ['DPoP'] : ['Bearer', 'DPoP']
}

/** The values must have no quotes and no backslashes. */
function formatChallenge(scheme: string, parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`)
  return `${scheme} ${pairs.join(', ')}`
}
