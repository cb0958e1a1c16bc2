import type { Actor } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import type { SigningAlgorithm } from '../config/signing_algorithm.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { auditKey } from './audit_key.ts'
import {
  isFirst,
  isWanted,
  type KeyActivation,
  type KeyConfig,
  type KeySchedule,
  maxKeysToRotate,
  scheduleNext,
} from './key_schedule.ts'
import type { KeyStore } from './key_store.ts'
import type { SealingKeys } from './sealing.ts'
import { generateSigningKey, type StoredSigningKey } from './signing_key.ts'

interface Dependencies {
  store: KeyStore
  sealingKeys: SealingKeys
  config: KeyConfig
  audit: AuditStore
}

/** An early rotation is refused, because too many keys are published. */
export class TooManyKeys extends Error {
  override name = 'TooManyKeys'
}

/** Makes the next key when it is due, for the cron trigger, an operator or a request. */
export class KeyMaker {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Whether an algorithm needs its next key. @param now Unix seconds. */
  isDue(alg: SigningAlgorithm, keys: readonly KeyActivation[], now: number): boolean {
    const { config } = this.#dependencies
    return isWanted(keys, scheduleNext(keys, { alg, config, now }))
  }

  /** Adds a key of an algorithm if one is due. @returns The keys in D1 @throws StorageUnavailable, CorruptRecord */
  async addIfDue(alg: SigningAlgorithm, context: RequestContext): Promise<StoredSigningKey[]> {
    const { store, config } = this.#dependencies
    const keys = await store.findAll()
    const schedule = scheduleNext(keys, { alg, config, now: context.now })
    return isWanted(keys, schedule) ? this.#add(keys, schedule, { context, by: null }) : keys
  }

  /**
   * Adds a key for an early rotation if the schedule requires one.
   *
   * @param by The operator who requested it; null for an automatic change.
   * @returns The keys in D1
   * @throws StorageUnavailable, CorruptRecord, TooManyKeys
   */
  async addIfWanted(
    schedule: KeySchedule,
    context: RequestContext,
    by: Actor | null,
  ): Promise<StoredSigningKey[]> {
    const { store, config } = this.#dependencies
    const keys = await store.findAll()
    if (!isWanted(keys, schedule)) return keys
    const published = keys.filter(({ alg }) => alg === schedule.alg).length
    if (published >= maxKeysToRotate(config)) throw new TooManyKeys(`${published} keys are published`)
    return this.#add(keys, schedule, { context, by })
  }

  async #add(
    keys: readonly StoredSigningKey[],
    schedule: KeySchedule,
    { context, by }: { context: RequestContext; by: Actor | null },
  ): Promise<StoredSigningKey[]> {
    const { store, sealingKeys, audit } = this.#dependencies
    const { now } = context
    const times = { createdAt: now, activatesAt: isFirst(keys, schedule) ? now : schedule.activatesAt }
    const key = await generateSigningKey(schedule.alg, sealingKeys, times)
    const activatesAt = await store.addIfWanted(key, schedule)
    if (activatesAt !== null) {
      auditKey(`made ${key.kid} (${key.alg}), which signs from ${activatesAt}`, { audit, context, by })
    }
    return store.findAll()
  }
}
