import { importJWK, type JWK } from 'jose'
import type { Discovery } from './discovery.ts'
import type { Documents, DocumentTimes, IssuerDocument } from './documents.ts'
import { isWithin } from './is_within.ts'
import { type Moment, SharedFlight } from './shared_flight.ts'

/** The accepted signing algorithms. None is symmetric. */
export const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA']

export interface VerificationKey {
  kid: string
  alg: string
  key: CryptoKey
}

/** The ages, in seconds, up to which keys are used. */
export interface KeyTimes extends DocumentTimes {
  /** For this time after a fetch, an unknown key id causes no other fetch. */
  cooldownSeconds: number
}

type Keys = ReadonlyMap<string, VerificationKey>

interface KeySet {
  keys: Keys
  fetchedAt: number
}

/** The public keys of the issuer in memory. Concurrent requests share one fetch. */
export class KeySource {
  readonly #discovery: Discovery
  readonly #documents: Documents
  readonly #times: KeyTimes
  readonly #reading = new SharedFlight<KeySet>()
  readonly #fetching = new SharedFlight<KeySet>()
  #set: KeySet | null = null
  #readAt = Number.NEGATIVE_INFINITY
  #fetchedAt = Number.NEGATIVE_INFINITY

  constructor(discovery: Discovery, documents: Documents, times: KeyTimes) {
    this.#discovery = discovery
    this.#documents = documents
    this.#times = times
  }

  /**
   * Finds a key by its id; null if the issuer does not have it.
   *
   * @throws Error if the issuer cannot be reached and the known keys are too old or lack the key
   */
  async find(kid: string, moment: Moment): Promise<VerificationKey | null> {
    const set = await this.#current(moment)
    return set.keys.get(kid) ?? (await this.#fetchNewer(set, moment)).keys.get(kid) ?? null
  }

  /** Whether the keys in memory still have a key that `find` found. The issuer can have revoked the key since. */
  has({ kid }: VerificationKey): boolean {
    return this.#set?.keys.has(kid) ?? false
  }

  async #current(moment: Moment): Promise<KeySet> {
    const set = this.#set
    if (!set) return this.#read(moment)
    const { freshSeconds, staleSeconds, cooldownSeconds } = this.#times
    const hasAge = (seconds: number) => isWithin(seconds, set.fetchedAt, moment.now)
    const mayRead = !isWithin(Math.min(cooldownSeconds, freshSeconds), this.#readAt, moment.now)
    if (hasAge(freshSeconds)) return set
    if (hasAge(2 * freshSeconds)) {
      if (mayRead) this.#read(moment).catch(() => {})
      return set
    }
    const isUsable = moment.now - set.fetchedAt < staleSeconds
    if (!mayRead && isUsable) return set
    return this.#read(moment).catch((error: unknown) => {
      if (isUsable) return set
      throw error
    })
  }

  /** Reads the keys from the cache, or from the issuer. */
  #read(moment: Moment): Promise<KeySet> {
    const { now } = moment
    this.#readAt = now
    return this.#reading.run(
      () => this.#load(now, (uri) => this.#documents.read(uri, now, importKeys)),
      moment,
    )
  }

  /**
   * The keys of a running or a new fetch, for a key that the set lacks. During the cooldown, the set itself.
   *
   * @throws Error if the last fetch failed, because the issuer can have the key
   */
  async #fetchNewer(set: KeySet, moment: Moment): Promise<KeySet> {
    const running = this.#fetching.join(moment.now)
    if (running !== null) return running
    if (!isWithin(this.#times.cooldownSeconds, this.#fetchedAt, moment.now)) return this.#fetch(moment)
    if (set.fetchedAt < this.#fetchedAt) throw new Error('the last fetch of the keys failed')
    return set
  }

  /** Reads the keys from the issuer, which can have a key that the cache lacks. */
  #fetch(moment: Moment): Promise<KeySet> {
    const { now } = moment
    this.#fetchedAt = now
    return this.#fetching.run(
      () => this.#load(now, (uri) => this.#documents.fetch(uri, now, importKeys)),
      moment,
    )
  }

  async #load(now: number, find: (jwksUri: string) => Promise<IssuerDocument<Keys>>): Promise<KeySet> {
    const before = this.#set
    const { jwksUri } = await this.#discovery.endpoints(now)
    const { content: keys, fetchedAt } = await find(jwksUri)
    this.#fetchedAt = Math.max(this.#fetchedAt, fetchedAt)
    const set = { keys, fetchedAt }
    const last = this.#set
    const isFetchTimeInFuture = last === before && last !== null && last.fetchedAt > now
    // A concurrent fetch has read newer keys than the cache has.
    if (last && fetchedAt < last.fetchedAt && !isFetchTimeInFuture) return last
    this.#set = set
    return set
  }
}

/** Imports the signing keys of a JWKS. It ignores unknown and unusable keys (RFC 7517 §5). */
async function importKeys(document: unknown): Promise<Keys> {
  const { keys } = (document ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('the JWKS has no keys')
  const imported = await Promise.all(keys.map((jwk: JWK) => importKey(jwk).catch(() => [])))
  return new Map(imported.flat())
}

async function importKey(jwk: JWK): Promise<[string, VerificationKey][]> {
  const { kid, alg, use } = jwk
  if (!kid || !alg || !ALGORITHMS.includes(alg) || (use !== undefined && use !== 'sig')) return []
  const key = await importJWK(jwk, alg)
  // A Uint8Array is a symmetric key, which is refused for every algorithm.
  return key instanceof Uint8Array ? [] : [[kid, { kid, alg, key }]]
}
