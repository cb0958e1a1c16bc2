import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { Environment } from './environment.ts'

export type OperatorServices = ReturnType<typeof createOperatorServices>

/** Creates the keys of the console and of the admin API. */
export function createOperatorServices({ sealingKeys }: Environment) {
  return {
    /** Encrypts the cookies of the console. */
    consoleSealer: new TextSealer(sealingKeys, 'sallyport console session'),
    /** Authenticates the confirmations of operators. */
    confirmations: new KeyedHash(sealingKeys[0], 'sallyport operator confirmation'),
  }
}
