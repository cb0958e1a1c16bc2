import { DpopNonces } from '#verify/dpop_nonces'
import { DpopProofs } from '../dpop/dpop_proofs.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { Environment } from './environment.ts'

export type DpopServices = ReturnType<typeof createDpopServices>

/** Creates the memory of DPoP proofs of one isolate. */
export function createDpopServices({ sealingKeys }: Environment) {
  return {
    dpopProofs: new DpopProofs(new DpopNonces(new KeyedHash(sealingKeys[0], 'sallyport dpop nonces'))),
  }
}
