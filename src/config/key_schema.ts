import { daysToSeconds, oneOf } from './checks.ts'
import { keyWithDefault } from './key.ts'

/** The JWS algorithms that a server may sign with. */
export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

export const keyKeys = {
  signingAlgorithm: keyWithDefault('signing_algorithm', {
    check: oneOf(SIGNING_ALGORITHMS),
    default: 'ES256',
    description: 'The algorithm that signs tokens',
  }),
  keyRotationSeconds: keyWithDefault('key_rotation_days', {
    check: daysToSeconds(7, 730),
    default: 90,
    description:
      'How long a signing key signs. The next key is published two days before it starts to sign ([tokens.md](tokens.md#keys))',
  }),
}
