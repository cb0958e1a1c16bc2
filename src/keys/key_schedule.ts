import type { Config } from '../config/config.ts'
import type { SigningAlgorithm } from '../config/key_schema.ts'
import { KEY_COPY_SECONDS, KV_LAG_SECONDS } from '../storage/copy_ages.ts'

/** How long any cache may keep the JWKS: its Cache-Control says so. */
export const JWKS_MAX_AGE_SECONDS = 300

/** The greatest age of the JWKS that a caller gets: the ages of the copies in KV, the isolate and an HTTP cache add up. */
const OWN_CACHES_SECONDS = KV_LAG_SECONDS + KEY_COPY_SECONDS.max + JWKS_MAX_AGE_SECONDS

/** How long a reader may keep the JWKS and still know each new key in time: Istio and Envoy keep it for 20 minutes. */
const READER_CACHE_SECONDS = 1200

/** The least time that a new key is published before it signs, unless an operator chooses another: 30 minutes. */
export const PUBLISH_AHEAD_SECONDS = Math.ceil((OWN_CACHES_SECONDS + READER_CACHE_SECONDS) / 300) * 300

/**
 * How long before its turn the next key is made. A verifier that cannot reach the JWKS may go on with what it has for a
 * day; another day is for a cron trigger that comes late.
 */
export const NEXT_KEY_AHEAD_SECONDS = 2 * 86_400

/** The limits of the lead that an operator may choose. Below `min`, even a reader without a cache could miss the key. */
export const LEAD_LIMITS = { min: OWN_CACHES_SECONDS, max: NEXT_KEY_AHEAD_SECONDS } as const

/**
 * How much longer than its tokens a key is kept: an isolate that could not read of its successor, because the stores
 * were away, went on signing with it.
 */
export const RETIREMENT_MARGIN_SECONDS = 86_400

/** A replacement is dated back by this much, so that it signs at once by a clock that is behind, too. */
export const CLOCKS_APART_SECONDS = 60

/** What of the configuration decides over keys. */
export type KeyConfig = Pick<Config, 'signingAlgorithm' | 'keyRotationSeconds' | 'apis'>

/** What of a key decides over its turn. Lists of them are in the order in which they activate. */
export interface KeyTurn {
  alg: SigningAlgorithm
  /** Unix seconds. */
  activatesAt: number
}

/** When a new key is wanted, and from when it may sign. Times are Unix seconds. */
export interface KeySchedule {
  alg: SigningAlgorithm
  /** A key is wanted where none of that algorithm activates after this moment. */
  notOlderThan: number
  /** When the new key may sign, if there are others; on an empty store it signs at once. */
  activatesAt: number
}

/** The next key: in turn after `key_rotation_days`; where the algorithm is new or the turn was missed, soon. */
export function scheduleNext(keys: readonly KeyTurn[], config: KeyConfig, now: number): KeySchedule {
  const { signingAlgorithm: alg, keyRotationSeconds } = config
  const newest = keys.findLast((key) => key.alg === alg)
  const turn = (newest?.activatesAt ?? 0) + keyRotationSeconds
  return {
    alg,
    notOlderThan: now + NEXT_KEY_AHEAD_SECONDS - keyRotationSeconds,
    activatesAt: Math.max(turn, now + PUBLISH_AHEAD_SECONDS),
  }
}

/** A next key right away, unless there is one already. @param leadSeconds From its publication until it signs. */
export function scheduleNow(
  { signingAlgorithm: alg }: KeyConfig,
  now: number,
  leadSeconds: number,
): KeySchedule {
  return { alg, notOlderThan: now, activatesAt: now + leadSeconds }
}

export function isWanted(keys: readonly KeyTurn[], schedule: KeySchedule): boolean {
  return !keys.some((key) => key.alg === schedule.alg && key.activatesAt > schedule.notOlderThan)
}

/**
 * The key that signs: the newest active one of the configured algorithm. Until the first of them is active, the newest
 * active one of any: after a change of algorithm, verifiers get to know the new key before it signs.
 */
export function selectCurrent<T extends KeyTurn>(
  keys: readonly T[],
  { signingAlgorithm }: Pick<KeyConfig, 'signingAlgorithm'>,
  now: number,
): T | null {
  const active = keys.filter((key) => key.activatesAt <= now)
  // The very first key signs even where this isolate's clock is behind that of the one that made it.
  return active.findLast((key) => key.alg === signingAlgorithm) ?? active.at(-1) ?? keys[0] ?? null
}

/** Until when a key is kept that is found to sign no more: the last of its tokens has expired by then. Unix seconds. */
export function endOfKey({ apis }: KeyConfig, now: number): number {
  const lifetimes = [...apis.values()].flatMap((api) => [
    api.accessTokenLifetimeSeconds,
    api.refreshTokenLifetimeSeconds,
  ])
  return now + Math.max(...lifetimes) + RETIREMENT_MARGIN_SECONDS
}
