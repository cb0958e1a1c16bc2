import type { Config } from '../config/config.ts'
import { etagOf } from '../lib/etag.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import type { KeySchedule, KeyStore } from './key_store.ts'
import type { SealingKey } from './sealing.ts'
import { generateSigningKey, openSigningKey, type SealedSigningKey, type SigningKey } from './signing_key.ts'

/** How long any cache may keep the JWKS: its Cache-Control says so. */
export const JWKS_MAX_AGE_SECONDS = 300

/** How long an isolate keeps the keys before it reads them again. */
const ISOLATE_TTL_SECONDS = 60

/**
 * How long a new key is published before it signs: longer than every cache of the JWKS lives, one after the other
 * (KV 60 s, isolate, HTTP), with as much again to spare.
 */
export const PUBLISH_AHEAD_SECONDS = 2 * (60 + ISOLATE_TTL_SECONDS + JWKS_MAX_AGE_SECONDS)

/** The keys as one isolate holds them. */
interface Ring {
  keys: SigningKey[]
  jwks: JwksDocument
  freshUntil: number
}

export interface JwksDocument {
  body: string
  etag: string
}

interface Dependencies {
  store: KeyStore
  sealingKey: SealingKey
  config: Pick<Config, 'signingAlgorithm' | 'keyRotationSeconds'>
}

/** The signing keys: makes the first, publishes them all, and knows which one signs. */
export class KeyRing {
  readonly #store: KeyStore
  readonly #sealingKey: SealingKey
  readonly #config: Dependencies['config']
  readonly #flights = new SingleFlight<Ring>()
  #ring: Ring | null = null

  constructor({ store, sealingKey, config }: Dependencies) {
    this.#store = store
    this.#sealingKey = sealingKey
    this.#config = config
  }

  /** The key that signs now. @throws StorageUnavailable, CorruptRecord, SealingError */
  async current(context: RequestContext): Promise<SigningKey> {
    const { keys } = await this.#load(context)
    return selectCurrent(keys, this.#config.signingAlgorithm, context.now)
  }

  /** The key of that id; null where it is none of ours. @throws StorageUnavailable, CorruptRecord, SealingError */
  async find(kid: string, context: RequestContext): Promise<SigningKey | null> {
    const { keys } = await this.#load(context)
    return keys.find((key) => key.kid === kid) ?? null
  }

  /** The public keys (RFC 7517 §5). @throws StorageUnavailable, CorruptRecord, SealingError */
  async jwks(context: RequestContext): Promise<JwksDocument> {
    return (await this.#load(context)).jwks
  }

  async #load(context: RequestContext): Promise<Ring> {
    const ring = this.#ring
    if (ring && ring.freshUntil > context.now) return ring
    try {
      this.#ring = await this.#flights.run('ring', context, () => this.#read(context))
      return this.#ring
    } catch (error) {
      if (!ring) throw error
      log('error', 'keys_not_refreshed', { cause: describeError(error) })
      return ring
    }
  }

  async #read(context: RequestContext): Promise<Ring> {
    const schedule = this.#schedule(context.now)
    const known = await this.#store.findNear(context)
    const sealed = wantsKey(known, schedule) ? await this.#addKey(known, schedule, context) : known
    const keys = await Promise.all(sealed.map((key) => openSigningKey(key, this.#sealingKey)))
    return { keys, jwks: await formatJwks(keys), freshUntil: context.now + ISOLATE_TTL_SECONDS }
  }

  /** Adds the key that is due. While D1 is away, the keys that are known go on signing. */
  async #addKey(known: SealedSigningKey[], schedule: KeySchedule, context: RequestContext) {
    try {
      const keys = await this.#store.findAll(context)
      if (!wantsKey(keys, schedule)) return keys
      const key = await generateSigningKey(schedule.alg, this.#sealingKey, context.now)
      await this.#store.addIfWanted(key, schedule)
      return await this.#store.findAll(context)
    } catch (error) {
      if (known.length === 0 || !(error instanceof StorageUnavailable)) throw error
      log('error', 'key_not_added', { cause: describeError(error) })
      return known
    }
  }

  #schedule(now: number): KeySchedule {
    return {
      alg: this.#config.signingAlgorithm,
      notOlderThan: now - this.#config.keyRotationSeconds,
      activatesAt: now + PUBLISH_AHEAD_SECONDS,
    }
  }
}

function wantsKey(keys: SealedSigningKey[], schedule: KeySchedule): boolean {
  return !keys.some((key) => key.alg === schedule.alg && key.activatesAt > schedule.notOlderThan)
}

/**
 * The newest active key of the configured algorithm. Until the first of them is active, the newest active key of
 * any: after a change of algorithm, verifiers get to know the new key before it signs.
 */
function selectCurrent(keys: SigningKey[], alg: SigningKey['alg'], now: number): SigningKey {
  const active = keys.filter((key) => key.activatesAt <= now)
  // The very first key signs even where this isolate's clock is behind that of the one that made it.
  const current = active.findLast((key) => key.alg === alg) ?? active.at(-1) ?? keys[0]
  if (!current) throw new Error('there is no signing key')
  return current
}

async function formatJwks(keys: SigningKey[]): Promise<JwksDocument> {
  const body = JSON.stringify({ keys: keys.map((key) => key.publicJwk) })
  return { body, etag: await etagOf(body) }
}
