import type { ApiConfig, Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import type { Proof } from '../signin/proof.ts'
import { secondFactorOf } from '../signin/second_factor.ts'
import { usableFactors } from '../signin/usable_factors.ts'
import type { User } from '../users/user.ts'
import type { Input } from './input.ts'

type Accounts = Pick<Config, 'accounts'>

/** Whether users of the API can sign in by a code in place of a password. */
export function hasEmailCodes({ userPool }: ApiConfig, config: Accounts): boolean {
  return accountsOf(userPool, config).emailCode === 'sign_in'
}

/** The inputs before the first factor. They depend on the configuration and the request only, not on the account. */
export function firstInputs(
  { userPool }: ApiConfig,
  config: Accounts,
  { hasRequestedCode }: { hasRequestedCode: boolean },
): Input[] {
  const { passkeys } = accountsOf(userPool, config)
  return [
    ...(['username', 'password'] as const),
    ...(hasRequestedCode ? (['email_code'] as const) : []),
    ...(passkeys === null ? [] : (['passkey'] as const)),
  ]
}

/** The inputs for the second factor; empty if the user has none that adds to the first one. */
export function secondInputs(
  user: User,
  { amr, acr }: Pick<Proof, 'amr' | 'acr'>,
  config: Accounts,
): Input[] {
  const secondFactor = secondFactorOf(user, config)
  // The user must add the passkey in a browser, where the sign-in begins anew.
  if (secondFactor.mustBePasskey && !secondFactor.hasPasskey) return []
  const usable = usableFactors({ amr, acr, secondFactor })
  return [
    ...(usable.app ? (['totp', 'recovery_code'] as const) : []),
    ...(usable.passkey ? (['passkey'] as const) : []),
    ...(secondFactor.isByEmail && amr.includes('pwd') ? (['email_code'] as const) : []),
  ]
}
