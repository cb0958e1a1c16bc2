import { importJWK, type JWK } from 'jose'
import type { Discovery } from './discovery.ts'
import { type Fetch, fetchDocument } from './fetch_document.ts'

/** The algorithms that an issuer may sign with. A symmetric one is never among them. */
export const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA']

export interface VerificationKey {
  alg: string
  key: CryptoKey
}

/** All in seconds. */
export interface KeyTimes {
  /** Keys younger than this are used as they are; older ones are used and fetched anew beside it. */
  freshSeconds: number
  /** How long keys are used while the issuer cannot be reached. */
  staleSeconds: number
  /** After a fetch, an unknown key id asks for no other this long. */
  cooldownSeconds: number
}

interface KeySet {
  keys: ReadonlyMap<string, VerificationKey>
  fetchedAt: number
}

/** The issuer's public keys, in memory: one fetch at a time, however many requests need a key. */
export class KeySource {
  readonly #discovery: Discovery
  readonly #fetch: Fetch
  readonly #times: KeyTimes
  #set: KeySet | null = null
  #flight: Promise<KeySet> | null = null
  #triedAt = Number.NEGATIVE_INFINITY

  constructor(discovery: Discovery, fetch: Fetch, times: KeyTimes) {
    this.#discovery = discovery
    this.#fetch = fetch
    this.#times = times
  }

  /**
   * The key of that id; null where the issuer has none.
   *
   * @throws Error where the issuer cannot be reached and what is known is too old
   */
  async find(kid: string, now: number): Promise<VerificationKey | null> {
    const set = await this.#current(now)
    const known = set.keys.get(kid)
    if (known || now - this.#triedAt < this.#times.cooldownSeconds) return known ?? null
    return (await this.#refresh(now).catch(() => set)).keys.get(kid) ?? null
  }

  async #current(now: number): Promise<KeySet> {
    const set = this.#set
    if (!set) return this.#refresh(now)
    const { freshSeconds, staleSeconds, cooldownSeconds } = this.#times
    const ageSeconds = now - set.fetchedAt
    const mayTry = now - this.#triedAt >= Math.min(cooldownSeconds, freshSeconds)
    if (ageSeconds < freshSeconds) return set
    if (ageSeconds < 2 * freshSeconds) {
      if (mayTry) this.#refresh(now).catch(() => {})
      return set
    }
    if (!mayTry && ageSeconds < staleSeconds) return set
    return this.#refresh(now).catch((error: unknown) => {
      if (ageSeconds < staleSeconds) return set
      throw error
    })
  }

  #refresh(now: number): Promise<KeySet> {
    this.#flight ??= this.#read(now).finally(() => {
      this.#flight = null
    })
    return this.#flight
  }

  async #read(now: number): Promise<KeySet> {
    this.#triedAt = now
    const { jwksUri } = await this.#discovery.endpoints()
    const document: unknown = await (await fetchDocument(this.#fetch, jwksUri)).json()
    this.#set = { keys: await importKeys(document), fetchedAt: now }
    return this.#set
  }
}

/** The keys that sign; any other member is passed over (RFC 7517 §5). */
async function importKeys(document: unknown): Promise<ReadonlyMap<string, VerificationKey>> {
  const { keys } = (document ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('the JWKS has no keys')
  const imported = await Promise.all(keys.map((jwk: JWK) => importKey(jwk)))
  return new Map(imported.flat())
}

async function importKey(jwk: JWK): Promise<[string, VerificationKey][]> {
  const { kid, alg, use } = jwk
  if (!kid || !alg || !ALGORITHMS.includes(alg) || (use !== undefined && use !== 'sig')) return []
  return [[kid, { alg, key: (await importJWK(jwk, alg)) as CryptoKey }]]
}
