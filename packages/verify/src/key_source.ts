import { importJWK, type JWK } from 'jose'
import type { Discovery } from './discovery.ts'
import type { Documents, DocumentTimes, IssuerDocument } from './documents.ts'
import { isWithin } from './is_within.ts'
import { type Moment, SharedFlight } from './shared_flight.ts'

/** The algorithms that an issuer may sign with. A symmetric one is never among them. */
export const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA']

export interface VerificationKey {
  alg: string
  key: CryptoKey
}

/** All in seconds. */
export interface KeyTimes extends DocumentTimes {
  /** After a fetch, an unknown key id asks for no other this long. */
  cooldownSeconds: number
}

type Keys = ReadonlyMap<string, VerificationKey>

interface KeySet {
  keys: Keys
  fetchedAt: number
}

/** The issuer's public keys, in memory: one fetch at a time, however many requests need a key. */
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
   * The key of that id; null where the issuer has none.
   *
   * @throws Error where the issuer cannot be reached and what is known is too old
   */
  async find(kid: string, moment: Moment): Promise<VerificationKey | null> {
    const set = await this.#current(moment)
    const known = set.keys.get(kid)
    if (known || isWithin(this.#times.cooldownSeconds, this.#fetchedAt, moment.now)) return known ?? null
    return (await this.#fetch(moment).catch(() => set)).keys.get(kid) ?? null
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

  /** From the cache of this location, where it has them. */
  #read(moment: Moment): Promise<KeySet> {
    const { now } = moment
    this.#readAt = now
    return this.#reading.run(
      () => this.#load(now, (uri) => this.#documents.read(uri, now, importKeys)),
      moment,
    )
  }

  /** From the issuer alone: it may have a key that the cache has not. */
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
    const isOfClockAhead = last === before && last !== null && last.fetchedAt > now
    // Overtaken meanwhile, by a fetch that knows newer keys than the cache.
    if (last && fetchedAt < last.fetchedAt && !isOfClockAhead) return last
    this.#set = set
    return set
  }
}

/** The keys that sign; any other member, or one that cannot be used here, is passed over (RFC 7517 §5). */
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
  // A symmetric key, whatever algorithm it is said to be for.
  return key instanceof Uint8Array ? [] : [[kid, { alg, key }]]
}
