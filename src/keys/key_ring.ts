import type { Config } from '../config/config.ts'
import { etagOf } from '../lib/etag.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import type { KeyMaker } from './key_maker.ts'
import { ISOLATE_TTL_SECONDS, selectCurrent } from './key_schedule.ts'
import type { KeyStore } from './key_store.ts'
import { SealingError, type SealingKeys } from './sealing.ts'
import { openSigningKey, type SealedSigningKey, type SigningKey } from './signing_key.ts'

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
  maker: KeyMaker
  sealingKeys: SealingKeys
  config: Pick<Config, 'signingAlgorithm'>
}

/** The signing keys as requests use them: published, found by id, and the one that signs. */
export class KeyRing {
  readonly #dependencies: Dependencies
  readonly #flights = new SingleFlight<Ring>()
  #ring: Ring | null = null

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** The key that signs now. @throws StorageUnavailable, CorruptRecord, SealingError */
  async current(context: RequestContext): Promise<SigningKey> {
    const { keys } = await this.#load(context)
    const current = selectCurrent(keys, this.#dependencies.config, context.now)
    if (!current) throw new Error('there is no signing key')
    return current
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

  /** Forgets the keys: the next request reads them again. */
  forget(): void {
    this.#ring = null
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
    const { store, maker } = this.#dependencies
    const known = await store.findNear(context)
    const sealed = maker.isDue(known, context.now) ? await this.#addKey(known, context) : known
    const keys = await this.#open(sealed).catch((error: unknown) => {
      if (!(error instanceof SealingError)) throw error
      // The copy may be from before the keys were sealed anew.
      return store.readAgain(context).then((record) => this.#open(record))
    })
    return { keys, jwks: await formatJwks(keys), freshUntil: context.now + ISOLATE_TTL_SECONDS }
  }

  /** Adds the key that is due. While D1 is away, the keys that are known go on signing. */
  async #addKey(known: SealedSigningKey[], context: RequestContext): Promise<SealedSigningKey[]> {
    const { store, maker } = this.#dependencies
    try {
      const keys = await maker.addIfDue(context)
      store.repairCopy(keys, context)
      return keys
    } catch (error) {
      if (known.length === 0 || !(error instanceof StorageUnavailable)) throw error
      log('error', 'key_not_added', { cause: describeError(error) })
      return known
    }
  }

  #open(sealed: SealedSigningKey[]): Promise<SigningKey[]> {
    return Promise.all(sealed.map((key) => openSigningKey(key, this.#dependencies.sealingKeys)))
  }
}

async function formatJwks(keys: SigningKey[]): Promise<JwksDocument> {
  const body = JSON.stringify({ keys: keys.map((key) => key.publicJwk) })
  return { body, etag: await etagOf(body) }
}
