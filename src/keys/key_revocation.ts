import type { KeyEntry } from './key_life.ts'
import { type KeyConfig, selectCurrent } from './key_schedule.ts'

/** The revocation of a compromised key. */
export interface KeyRevocation {
  kid: string
  /** Unix seconds. */
  at: number
}

/**
 * Finds the revocation of the key that signed a refresh token. No row has the key of a token, so the times of the keys decide. An
 * isolate with an old copy can sign with a revoked key for some seconds more. Such a token is not found.
 *
 * @param issuedAt The time of the signature, in Unix seconds
 * @returns null if the key was not revoked
 */
export function findKeyRevocation(
  keys: readonly KeyEntry[],
  config: Pick<KeyConfig, 'signingAlgorithm'>,
  issuedAt: number,
): KeyRevocation | null {
  const published = keys
    .filter(({ activatesAt, retiresAt }) => activatesAt <= issuedAt && issuedAt < (retiresAt ?? Infinity))
    .sort((a, b) => a.activatesAt - b.activatesAt)
  const signer = selectCurrent(published, config, issuedAt)
  if (signer === null || signer.reason !== 'compromised' || signer.retiresAt === null) return null
  return { kid: signer.kid, at: signer.retiresAt }
}
