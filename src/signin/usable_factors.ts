import { levelOf } from './authentication_level.ts'
import { hasProvenPasskey } from './describe_methods.ts'
import type { Proof } from './proof.ts'
import type { SecondFactor } from './second_factor.ts'

interface UserWithFactors extends Pick<Proof, 'acr' | 'amr'> {
  secondFactor: Pick<SecondFactor, 'hasApp' | 'hasPasskey' | 'mustBePasskey'>
}

/**
 * The factors of a user that can be the second one. After a passkey, a passkey would be the same factor. Where a passkey is required, a
 * user without one proves the app before the first passkey: a stolen password alone must add no factor.
 */
export function usableFactors(user: UserWithFactors): {
  app: boolean
  passkey: boolean
} {
  const { hasApp, hasPasskey, mustBePasskey } = user.secondFactor
  const isAfterPasskey = hasProvenPasskey(user)
  const acceptsApp = isAfterPasskey || !mustBePasskey || !hasPasskey
  return {
    app: hasApp && acceptsApp && levelOf(user.acr) < 2,
    passkey: hasPasskey && !isAfterPasskey,
  }
}
