import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { InFlight } from '../lib/in_flight.ts'
import { AssetStore } from '../storage/asset_store.ts'
import { BurstLimits } from '../storage/burst_limits.ts'
import { ChangeListStore } from '../storage/change_list_store.ts'
import { CopyMac } from '../storage/copy_mac.ts'
import { DeferredWriteStore } from '../storage/deferred_write_store.ts'
import { LastResponseStore } from '../storage/last_response_store.ts'
import { ReadCopyStore } from '../storage/read_copy_store.ts'
import { ReadinessStore } from '../storage/readiness_store.ts'
import type { Environment } from './environment.ts'

export type StorageServices = ReturnType<typeof createStorageServices>

/** Creates the stores and limits that all features share. */
export function createStorageServices(environment: Environment, config: Config, clock: Clock) {
  const { env, db, kv, assets, sealingKeys, shardDatabases, userDatabases } = environment
  const mac = new CopyMac(sealingKeys)
  return {
    /** The running requests of this isolate. */
    inFlight: new InFlight(),
    /** The list that shows which copies are outdated. */
    changes: new ChangeListStore(db),
    copies: new ReadCopyStore(kv, mac),
    lastResponses: new LastResponseStore(config.issuer, mac),
    bursts: new BurstLimits(env),
    deferred: new DeferredWriteStore(db, clock),
    staticFiles: new AssetStore(assets),
    readiness: new ReadinessStore(
      new Set([db, ...shardDatabases, ...userDatabases.map((users) => users.db)]),
      kv,
    ),
  }
}
