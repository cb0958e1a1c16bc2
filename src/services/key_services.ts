import type { Config } from '../config/config.ts'
import { KeyLife } from '../keys/key_life.ts'
import { KeyLifeStore } from '../keys/key_life_store.ts'
import { KeyMaker } from '../keys/key_maker.ts'
import { KeyRing } from '../keys/key_ring.ts'
import { KeyStore } from '../keys/key_store.ts'
import type { AuditServices } from './audit_services.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type KeyServices = ReturnType<typeof createKeyServices>

/** Creates the services of signing keys: `keys` for requests, `keyLife` for the cron trigger and operators. */
export function createKeyServices(
  { db, sealingKeys }: Environment,
  config: Config,
  { copies, changes, lastResponses, audit }: StorageServices & AuditServices,
) {
  const store = new KeyStore({ db, copies, changes })
  const maker = new KeyMaker({ store, sealingKeys, config, audit })
  const keys = new KeyRing({ store, maker, lastResponses, sealingKeys, config })
  const lives = new KeyLifeStore(db)
  return { keys, keyLife: new KeyLife({ store, lives, ring: keys, maker, sealingKeys, config, audit }) }
}
