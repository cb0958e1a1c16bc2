import { ID_TOKEN_ALGORITHMS } from '../clients/client_fields.ts'
import type { Config } from '../config/config.ts'
import type { SigningAlgorithm } from '../config/signing_algorithm.ts'
import { KEY_COPY_SECONDS, KV_LAG_SECONDS } from '../storage/copy_ages.ts'

/** The `max-age` of the JWKS. */
export const JWKS_MAX_AGE_SECONDS = 300

/** The greatest age of the JWKS in a response: the sum of the ages of the copies in KV, in the isolate and in an HTTP cache. */
const OWN_CACHES_SECONDS = KV_LAG_SECONDS + KEY_COPY_SECONDS.max + JWKS_MAX_AGE_SECONDS

/** A verifier that caches the JWKS for at most this time gets each new key in time. Istio and Envoy cache it for 20 minutes. */
const READER_CACHE_SECONDS = 1200

/** The default time from the publication of a key to its first signature: 30 minutes. An operator can choose another time. */
export const PUBLISH_AHEAD_SECONDS = Math.ceil((OWN_CACHES_SECONDS + READER_CACHE_SECONDS) / 300) * 300

/**
 * The next key is made this long before it signs. A verifier that cannot reach the JWKS uses its keys for a day. The second day
 * is for a late cron trigger.
 */
export const NEXT_KEY_AHEAD_SECONDS = 2 * 86_400

/** The limits of `leadSeconds`. With a shorter time than `min`, a verifier without a cache could get a token of an unknown key. */
export const LEAD_LIMITS = { min: OWN_CACHES_SECONDS, max: NEXT_KEY_AHEAD_SECONDS } as const

/**
 * The server keeps a key for this time after its last token has expired. While the stores are unavailable, an isolate does not
 * know the successor and continues to sign with the old key.
 */
export const RETIREMENT_MARGIN_SECONDS = 86_400

/** The `activatesAt` of a replacement key is this long before its creation, so that isolates with slow clocks use it at once. */
export const CLOCKS_APART_SECONDS = 60

/** The settings for keys. */
export type KeyConfig = Pick<Config, 'signingAlgorithm' | 'openIdEnabled' | 'keyRotationSeconds' | 'apis'>

/** The algorithms that have a current key, `signing_algorithm` first. The others sign only ID tokens. */
export function liveAlgorithms({
  signingAlgorithm,
  openIdEnabled,
}: Pick<KeyConfig, 'signingAlgorithm' | 'openIdEnabled'>): SigningAlgorithm[] {
  return [...new Set<SigningAlgorithm>([signingAlgorithm, ...(openIdEnabled ? ID_TOKEN_ALGORITHMS : [])])]
}

/** The members that decide which key signs. Lists are in the order of activation. */
export interface KeyActivation {
  alg: SigningAlgorithm
  /** Unix seconds. */
  activatesAt: number
}

/** The rule for a new key: whether it is required, and the time of its first signature. Times are Unix seconds. */
export interface KeySchedule {
  alg: SigningAlgorithm
  /** A key is required if no key of that algorithm activates after this time. */
  notOlderThan: number
  /** The activation of the new key. The first key signs at once instead. */
  activatesAt: number
  /**
   * When the new key counts as a first key, which signs at once. `store`: if the store has no key. `algorithm`: if no key has the
   * same algorithm. `algorithm` is for keys of ID tokens: no verifier has cached an older one, and a client fetches the JWKS for
   * an unknown `kid` (OpenID Connect Core §10.1.1).
   */
  firstIn: 'store' | 'algorithm'
}

/** A schedule of one algorithm. */
interface Rotation {
  alg: SigningAlgorithm
  config: KeyConfig
  /** Unix seconds. */
  now: number
}

/** The regular next key, after `key_rotation_days`. After a change of the algorithm or a missed rotation it signs soon. */
export function scheduleNext(keys: readonly KeyActivation[], { alg, config, now }: Rotation): KeySchedule {
  const { keyRotationSeconds } = config
  const newest = keys.findLast((key) => key.alg === alg)
  const turn = (newest?.activatesAt ?? 0) + keyRotationSeconds
  return {
    alg,
    firstIn: alg === config.signingAlgorithm ? 'store' : 'algorithm',
    notOlderThan: now + NEXT_KEY_AHEAD_SECONDS - keyRotationSeconds,
    activatesAt: Math.max(turn, now + PUBLISH_AHEAD_SECONDS),
  }
}

/** The next change of the key that signs. */
export interface KeyChange {
  /** The time of the first signature of the next key, in Unix seconds. If it is in the past, the change is overdue. */
  at: number
  /** Whether the next key is published. */
  isPublished: boolean
}

/**
 * The earliest change among the live algorithms.
 *
 * @returns null if no key has a live algorithm: then a request or the cron trigger makes one
 */
export function findNextChange(
  keys: readonly KeyActivation[],
  config: KeyConfig,
  now: number,
): KeyChange | null {
  const changes = liveAlgorithms(config).map((alg) => findNextChangeOf(keys, { alg, config, now }))
  return changes.filter((change) => change !== null).sort((a, b) => a.at - b.at)[0] ?? null
}

function findNextChangeOf(keys: readonly KeyActivation[], { alg, config, now }: Rotation): KeyChange | null {
  const own = keys.filter((key) => key.alg === alg)
  const next = own.find((key) => key.activatesAt > now)
  if (next) return { at: next.activatesAt, isPublished: true }
  const newest = own.at(-1)
  return newest ? { at: newest.activatesAt + config.keyRotationSeconds, isPublished: false } : null
}

/** An early next key, unless a next key exists. @param leadSeconds The time from its publication to its first signature. */
export function scheduleNow({ alg, config, now }: Rotation, leadSeconds: number): KeySchedule {
  const firstIn = alg === config.signingAlgorithm ? 'store' : 'algorithm'
  return { alg, firstIn, notOlderThan: now, activatesAt: now + leadSeconds }
}

export function isWanted(keys: readonly KeyActivation[], schedule: KeySchedule): boolean {
  return !keys.some((key) => key.alg === schedule.alg && key.activatesAt > schedule.notOlderThan)
}

/** Whether a key of the schedule is the first key, so that it signs at once. */
export function isFirst(keys: readonly KeyActivation[], { alg, firstIn }: KeySchedule): boolean {
  return !keys.some((key) => firstIn === 'store' || key.alg === alg)
}

/**
 * The current key for tokens except ID tokens: the newest active key of the configured algorithm, or
 * else the newest active key of any algorithm. So after a change of the algorithm, verifiers know the new key before it signs.
 */
export function selectCurrent<T extends KeyActivation>(
  keys: readonly T[],
  { signingAlgorithm }: Pick<KeyConfig, 'signingAlgorithm'>,
  now: number,
): T | null {
  const active = keys.filter((key) => key.activatesAt <= now)
  // The first key signs even if the clock of this isolate is behind the clock of the isolate that made it.
  return active.findLast((key) => key.alg === signingAlgorithm) ?? active.at(-1) ?? keys[0] ?? null
}

/** The current key of one algorithm; null if no key has it. */
export function selectOfAlgorithm<T extends KeyActivation>(
  keys: readonly T[],
  alg: SigningAlgorithm,
  now: number,
): T | null {
  const own = keys.filter((key) => key.alg === alg)
  return own.findLast(({ activatesAt }) => activatesAt <= now) ?? own[0] ?? null
}

/** Every key that signs now: the current key, and the newest active key of each live algorithm. */
export function selectSigning<T extends KeyActivation>(
  keys: readonly T[],
  config: KeyConfig,
  now: number,
): T[] {
  const live = liveAlgorithms(config)
  const active = live.map((alg) => keys.findLast((key) => key.alg === alg && key.activatesAt <= now))
  const signing = [selectCurrent(keys, config, now), ...active]
  return [...new Set(signing.filter((key) => key !== null && key !== undefined))]
}

/** The maximum number of keys of early rotations of an algorithm, in addition to the keys of the regular rotation. */
const MAX_EARLY_KEYS = 10

/** With this many published keys of an algorithm, an early rotation is refused. This limits the size of the JWKS, which every API downloads. */
export function maxKeysToRotate(config: KeyConfig): number {
  const regular = Math.ceil(endOfKey(config, 0) / config.keyRotationSeconds)
  return regular + MAX_EARLY_KEYS
}

/** The end of a former key, in Unix seconds. The last of its tokens has expired by then. */
export function endOfKey({ apis }: KeyConfig, now: number): number {
  const lifetimes = [...apis.values()].flatMap((api) => [
    api.accessTokenLifetimeSeconds,
    api.refreshTokenLifetimeSeconds,
  ])
  return now + Math.max(...lifetimes) + RETIREMENT_MARGIN_SECONDS
}
