import { daysToSeconds, oneOf } from './checks.ts'
import { keyWithDefault } from './key.ts'
import { SIGNING_ALGORITHMS } from './signing_algorithm.ts'

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
