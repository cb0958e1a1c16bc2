import { malformedRequest } from '../oauth/errors.ts'
import type { Parameters } from '../oauth/parameters.ts'

/** The inputs that prove who the user is. A request has at most one. */
export const PROOFS = ['password', 'email_code', 'totp', 'recovery_code', 'passkey'] as const
export type ProofName = (typeof PROOFS)[number]

/** The parameters by which the user signs in. */
export const INPUTS = ['username', 'name', ...PROOFS] as const
export type Input = (typeof INPUTS)[number]

/** A proof as the request has it. */
export interface GivenProof {
  name: ProofName
  text: string
}

/** The proof in a request; null without one. @throws OAuthError invalid_request for several proofs */
export function readProof(parameters: Parameters): GivenProof | null {
  const given = PROOFS.flatMap((name) => {
    const text = parameters.find(name)
    return text === null ? [] : [{ name, text }]
  })
  if (given.length > 1) throw malformedRequest('several_proofs')
  return given[0] ?? null
}
