import * as z from 'zod/mini'
import type { Config } from '../config/config.ts'
import type { SigningAlgorithm } from '../config/signing_algorithm.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { etagOf } from '../lib/etag.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { READ_TIMEOUT_MS, respondWithin, StorageUnavailable } from '../lib/storage_error.ts'
import { KEY_COPY_SECONDS } from '../storage/copy_ages.ts'
import type { LastResponseStore } from '../storage/last_response_store.ts'
import type { KeyMaker } from './key_maker.ts'
import { liveAlgorithms, selectCurrent, selectOfAlgorithm } from './key_schedule.ts'
import type { KeyStore } from './key_store.ts'
import { SealingError, type SealingKeys } from './sealing.ts'
import { openSigningKey, type SigningKey, type StoredSigningKey } from './signing_key.ts'

/** Unknown key ids cause at most one read of D1 within this time. */
const COMPARE_AGAIN_SECONDS = 5

/** The time between a failed read of the keys and the next read. */
const READ_AGAIN_SECONDS = 5

const LAST_JWKS = 'jwks'

/** An RFC 7638 thumbprint with SHA-256. */
const KID = /^[A-Za-z0-9_-]{43}$/

/** The keys in the memory of one isolate. */
interface Ring {
  keys: SigningKey[]
  /** The same keys, still sealed. */
  stored: StoredSigningKey[]
  jwks: JwksDocument
  /** After this time, requests use the keys while the isolate reads them in the background. Unix seconds. */
  refreshAt: number
  /** After this time, requests wait for the read. Unix seconds. */
  endsAt: number
}

export interface JwksDocument {
  body: string
  etag: string
}

const jwksSchema: z.ZodMiniType<JwksDocument> = z.object({ body: z.string(), etag: z.string() })
const publishedSchema = z.object({ keys: z.array(z.object({ kid: z.string() })) })

interface Dependencies {
  store: KeyStore
  lastResponses: LastResponseStore
  maker: KeyMaker
  sealingKeys: SealingKeys
  config: Pick<Config, 'signingAlgorithm' | 'openIdEnabled'>
}

/** The signing keys for requests: the JWKS, a key by its id, and the current key. */
export class KeyRing {
  readonly #dependencies: Dependencies
  readonly #flights = new SingleFlight<Ring>()
  #ring: Ring | null = null
  /** The last read of D1 for an unknown key id. Unix seconds. */
  #comparedAt = Number.NEGATIVE_INFINITY
  /** The end of the pause after a failed read. Until then, the isolate uses the known keys. Unix seconds. */
  #readAgainAt = Number.NEGATIVE_INFINITY

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** The current signing key. @throws StorageUnavailable, CorruptRecord, SealingError */
  async current(context: RequestContext): Promise<SigningKey> {
    const { keys } = await this.#load(context)
    const current = selectCurrent(keys, this.#dependencies.config, context.now)
    if (!current) throw new Error('no signing key')
    return current
  }

  /**
   * The current key of an algorithm, for ID tokens. The first call makes the key if the cron trigger has not made it.
   *
   * @throws StorageUnavailable, CorruptRecord, SealingError
   */
  async currentOf(alg: SigningAlgorithm, context: RequestContext): Promise<SigningKey> {
    const { keys } = await this.#load(context)
    const known = selectOfAlgorithm(keys, alg, context.now)
    if (known) return known
    const made = await this.#flights.run(`first ${alg}`, context, () => this.#makeFirst(alg, context))
    const current = selectOfAlgorithm(made.keys, alg, context.now)
    if (!current) throw new Error(`no signing key of ${alg}`)
    return current
  }

  async #makeFirst(alg: SigningAlgorithm, context: RequestContext): Promise<Ring> {
    const { store, maker } = this.#dependencies
    const sealed = await maker.addIfDue(alg, context)
    store.repairCopy(sealed, context)
    this.#ring = await this.#openRing(sealed, 'record', context)
    return this.#ring
  }

  /**
   * Finds a key by its id; null for an unknown id. A key can be newer than the copy in KV, so an unknown id causes a read of D1.
   * Otherwise a valid token would be refused.
   *
   * @throws StorageUnavailable, CorruptRecord, SealingError
   */
  async find(kid: string, context: RequestContext): Promise<SigningKey | null> {
    const known = findKey(await this.#load(context), kid)
    if (known || !KID.test(kid) || context.now - this.#comparedAt < COMPARE_AGAIN_SECONDS) return known
    return findKey(await this.#flights.run('record', context, () => this.#compare(context)), kid)
  }

  /** The keys in the memory of this isolate, of any age. They can include a revoked key, so they never decide a request. */
  readonly inMemory: Pick<KeyRing, 'find'> = {
    find: async (kid) => this.#ring && findKey(this.#ring, kid),
  }

  /**
   * The public keys (RFC 7517 §5). If no store responds in time, it returns the last JWKS from this data centre.
   *
   * @throws StorageUnavailable, CorruptRecord, SealingError
   */
  async jwks(context: RequestContext): Promise<JwksDocument> {
    const reading = this.#load(context)
    // With known keys, the load itself waits no longer than READ_TIMEOUT_MS.
    if (this.#ring) return (await reading).jwks
    try {
      return (await respondWithin(READ_TIMEOUT_MS, reading)).jwks
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error
      const last = await this.#findLastJwks(context)
      if (last === null) return (await reading).jwks
      log('error', 'last_jwks_used', { cause: describeError(error) })
      return last
    }
  }

  /** The last published JWKS; null if KV marks one of its keys as compromised. @throws CorruptRecord */
  async #findLastJwks(context: RequestContext): Promise<JwksDocument | null> {
    const { store, lastResponses } = this.#dependencies
    const response = await lastResponses.find(LAST_JWKS, context)
    if (response === null) return null
    const jwks = decodeRecord(jwksSchema, LAST_JWKS, response)
    const { keys } = decodeRecord(publishedSchema, LAST_JWKS, parseJsonColumn(LAST_JWKS, jwks.body))
    const live = await store.leaveOutRetired(keys)
    return live.length === keys.length ? jwks : null
  }

  /** Drops the keys from memory. The next request reads them again. */
  forget(): void {
    this.#ring = null
  }

  /** Starts a read of the keys if this isolate has no fresh keys. */
  prepare(context: RequestContext): void {
    if (this.#ring && this.#ring.refreshAt > context.now) return
    context.waitUntil(this.#load(context).catch(() => {}))
  }

  /** Starts `currentOf`, so that a later request for an ID token does not wait for a new key. */
  prepareOf(alg: SigningAlgorithm, context: RequestContext): void {
    context.waitUntil(this.currentOf(alg, context).catch(logFailure))
  }

  /**
   * The keys. If the stores respond in time, the keys are at most KEY_COPY_SECONDS.max old. A key that an operator revoked more than
   * CHANGE_LIST_SECONDS.max ago is then not in the ring. If the stores do not respond in time, the keys are those of the last read.
   */
  async #load(context: RequestContext): Promise<Ring> {
    // A read of the keys includes a read of the list of changes.
    if (this.#ring && this.#ring.endsAt > context.now) await this.#dependencies.store.confirmChanges(context)
    const ring = this.#ring
    const isUsable = ring !== null && ring.endsAt > context.now && !this.#isOutdated(ring, context)
    if (isUsable && ring.refreshAt > context.now) return ring
    const reading = this.#flights.run('ring', context, () => this.#renew(context))
    if (!ring) return reading
    if (isUsable) {
      ring.refreshAt = context.now + READ_AGAIN_SECONDS
      reading.catch((error: unknown) => this.#keep(ring, error, context))
      return ring
    }
    try {
      return await respondWithin(READ_TIMEOUT_MS, reading)
    } catch (error) {
      this.#keep(ring, error, context)
      return ring
    }
  }

  #isOutdated(ring: Ring, { now }: RequestContext): boolean {
    return now >= this.#readAgainAt && this.#dependencies.store.isOutdated(ring.stored)
  }

  /** Keeps the known keys for another READ_AGAIN_SECONDS. */
  #keep(ring: Ring, error: unknown, { now }: RequestContext): void {
    log('error', 'keys_not_refreshed', { cause: describeError(error) })
    this.#readAgainAt = now + READ_AGAIN_SECONDS
    ring.refreshAt = this.#readAgainAt
    ring.endsAt = Math.max(ring.endsAt, this.#readAgainAt)
  }

  async #renew(context: RequestContext): Promise<Ring> {
    const ring = await this.#read(context)
    this.#dependencies.lastResponses.keep(LAST_JWKS, ring.jwks, context)
    this.#ring = ring
    return ring
  }

  async #read(context: RequestContext): Promise<Ring> {
    const { store, maker, config } = this.#dependencies
    const known = await store.findNear(context)
    const { signingAlgorithm: alg } = config
    const sealed = maker.isDue(alg, known, context.now) ? await this.#addKey(known, context) : known
    this.#rotateOthers(sealed, context)
    return this.#openRing(sealed, 'copy', context).catch(async (error: unknown) => {
      if (!(error instanceof SealingError)) throw error
      // The copy may be older than the last resealing.
      return this.#openRing(await store.readAgain(context), 'record', context)
    })
  }

  /** Reads D1, and repairs the copy in KV if it lacks a key. */
  async #compare(context: RequestContext): Promise<Ring> {
    const { store } = this.#dependencies
    const known = await this.#load(context)
    const sealed = await store.findAll()
    this.#comparedAt = context.now
    if (sealed.every(({ kid }) => findKey(known, kid))) return known
    store.repairCopy(sealed, context)
    this.#ring = await this.#openRing(sealed, 'record', context)
    return this.#ring
  }

  /** Adds the key that is due. If D1 is unavailable, the known keys continue to sign. */
  async #addKey(known: StoredSigningKey[], context: RequestContext): Promise<StoredSigningKey[]> {
    const { store, maker, config } = this.#dependencies
    try {
      const keys = await maker.addIfDue(config.signingAlgorithm, context)
      store.repairCopy(keys, context)
      return keys
    } catch (error) {
      if (known.length === 0 || !(error instanceof StorageUnavailable)) throw error
      logFailure(error)
      return known
    }
  }

  /** Adds the next keys of the algorithms for ID tokens after the response, because an RSA key takes long to make. */
  #rotateOthers(keys: readonly StoredSigningKey[], context: RequestContext): void {
    const { store, maker, config } = this.#dependencies
    const [, ...others] = liveAlgorithms(config)
    for (const alg of others) {
      // The cron trigger or the first ID token makes the first key.
      const hasKey = keys.some((key) => key.alg === alg)
      if (!hasKey || !maker.isDue(alg, keys, context.now)) continue
      const repair = (all: StoredSigningKey[]) => store.repairCopy(all, context)
      context.waitUntil(maker.addIfDue(alg, context).then(repair, logFailure))
    }
  }

  async #openRing(
    sealed: StoredSigningKey[],
    from: 'copy' | 'record',
    { now }: RequestContext,
  ): Promise<Ring> {
    const { sealingKeys } = this.#dependencies
    const keys = await Promise.all(sealed.map((key) => openSigningKey(key, sealingKeys, from)))
    const { refreshAfter, max } = KEY_COPY_SECONDS
    return {
      keys,
      stored: sealed,
      jwks: await formatJwks(keys),
      refreshAt: now + refreshAfter,
      endsAt: now + max,
    }
  }
}

function logFailure(error: unknown): void {
  log('error', 'key_not_added', { cause: describeError(error) })
}

function findKey({ keys }: Ring, kid: string): SigningKey | null {
  return keys.find((key) => key.kid === kid) ?? null
}

async function formatJwks(keys: SigningKey[]): Promise<JwksDocument> {
  const body = JSON.stringify({ keys: keys.map((key) => key.publicJwk) })
  return { body, etag: await etagOf(body) }
}
