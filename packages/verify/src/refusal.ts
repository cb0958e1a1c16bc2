import type { TokenErrorCode } from './token_error.ts'

interface RefusalParts {
  code: TokenErrorCode
  status: number
  /** The parameters of the challenge (RFC 6750 §3) that this refusal decides; null for a response without a challenge. */
  parameters: Readonly<Record<string, string>> | null
  /** A nonce for the next proof. */
  nonce?: string
}

/** A refused request, before the API is described in its challenge. The message has the exact reason. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly code: TokenErrorCode
  readonly status: number
  readonly parameters: RefusalParts['parameters']
  readonly nonce: string | null

  constructor({ code, status, parameters, nonce }: RefusalParts, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.code = code
    this.status = status
    this.parameters = parameters
    this.nonce = nonce ?? null
  }
}

/** The challenge has no error code, because the request has no token (RFC 6750 §3.1). */
export function missingToken(): Refusal {
  return new Refusal({ code: 'missing_token', status: 401, parameters: {} }, 'no access token')
}

export function invalidToken(reason: string, options?: ErrorOptions): Refusal {
  const parameters = { error: 'invalid_token' }
  return new Refusal({ code: 'invalid_token', status: 401, parameters }, reason, options)
}

/** RFC 9449 §7.1. */
export function invalidDpopProof(reason: string, options?: ErrorOptions): Refusal {
  const code = 'invalid_dpop_proof'
  return new Refusal({ code, status: 401, parameters: { error: code } }, reason, options)
}

/** @param nonce The nonce that the next proof must have (RFC 9449 §9). */
export function useDpopNonce(nonce: string): Refusal {
  const code = 'use_dpop_nonce'
  const reason = 'the proof has no current nonce'
  return new Refusal({ code, status: 401, parameters: { error: code }, nonce }, reason)
}

/** @param scope The required scope tokens. */
export function insufficientScope(scope: readonly string[]): Refusal {
  const parameters = { error: 'insufficient_scope' }
  const reason = `needs the scope ${scope.join(' ')}`
  return new Refusal({ code: 'insufficient_scope', status: 403, parameters }, reason)
}

/** The challenge names the demands, which the client sends to the authorization endpoint (RFC 9470 §3, §4). */
export function insufficientAuthentication({
  acrValues,
  maxAgeSeconds,
}: {
  acrValues?: readonly string[] | undefined
  maxAgeSeconds?: number | undefined
}): Refusal {
  const code = 'insufficient_user_authentication'
  const demands = {
    ...(acrValues === undefined ? {} : { acr_values: acrValues.join(' ') }),
    ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
  }
  const named = Object.entries(demands).map(([name, value]) => `${name} ${value}`)
  const parts = { code, status: 401, parameters: { error: code, ...demands } } as const
  return new Refusal(parts, `needs a sign-in with ${named.join(', ')}`)
}

/** The status is 403. After a 401 a client would refresh, and the new token would have the same claim. */
export function passwordChangeRequired(claim: string): Refusal {
  const parameters = {
    error: 'insufficient_scope',
    error_description: 'The user must set a new password first',
  }
  return new Refusal(
    { code: 'password_change_required', status: 403, parameters },
    `it has the claim ${claim}, which this API does not accept`,
  )
}

export function temporarilyUnavailable(reason: string, options?: ErrorOptions): Refusal {
  const parts = { code: 'temporarily_unavailable', status: 503, parameters: null } as const
  return new Refusal(parts, reason, options)
}
