import type { Config } from '../config/config.ts'
import { KeyMaker } from '../keys/key_maker.ts'
import { KeyRing } from '../keys/key_ring.ts'
import { KeyStore } from '../keys/key_store.ts'
import type { AuditServices } from './audit_services.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type KeyServices = ReturnType<typeof createKeyServices>

/** Creates the services of signing keys. */
export function createKeyServices(
  { db, sealingKeys }: Environment,
  config: Config,
  { copies, changes, lastResponses, audit }: StorageServices & AuditServices,
) {
  const keyStore = new KeyStore({ db, copies, changes })
  const keyMaker = new KeyMaker({ store: keyStore, sealingKeys, config, audit })
  const keys = new KeyRing({ store: keyStore, maker: keyMaker, lastResponses, sealingKeys, config })
  return { keys, keyStore, keyMaker }
}
