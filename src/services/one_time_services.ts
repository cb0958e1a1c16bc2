import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { OneTimeStore } from '../onetime/one_time_store.ts'
import type { Environment } from './environment.ts'

const CODE_PURPOSE = 'sallyport one-time codes'

export type OneTimeServices = ReturnType<typeof createOneTimeServices>

/** Creates the store of values that are used once. */
export function createOneTimeServices({ db, sealingKeys: [key, ...others] }: Environment) {
  return {
    oneTime: new OneTimeStore(db, {
      sealer: new TextSealer([key, ...others], 'sallyport one-time values'),
      codeHashes: [
        new KeyedHash(key, CODE_PURPOSE),
        ...others.map((other) => new KeyedHash(other, CODE_PURPOSE)),
      ],
    }),
  }
}
