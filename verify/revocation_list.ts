import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import type { AccessTokenClaims } from './claims.ts'
import type { Discovery } from './discovery.ts'
import { type Fetch, fetchDocument } from './fetch_document.ts'
import type { KeySource } from './key_source.ts'

const FEED_TYPE = 'revocations+jwt'

/** What the feed lists, by what it names: tokens issued before that second are dead. */
type Cutoffs = ReadonlyMap<string, number>

interface RevocationList {
  cutoffs: Cutoffs
  sequence: number
  etag: string | null
  /** When the issuer's stores last confirmed it. Unix seconds. */
  asOf: number
}

interface Dependencies {
  issuer: string
  discovery: Discovery
  keys: KeySource
  fetch: Fetch
  /** The least time between two fetches. */
  pollSeconds: number
}

/** The issuer's revocations, fetched beside the requests that need them: one poller however many they are. */
export class RevocationPoller {
  readonly #dependencies: Dependencies
  #list: RevocationList | null = null
  #flight: Promise<void> | null = null
  #polledAt = Number.NEGATIVE_INFINITY

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Fetches the list where it is time to. The first fetch is waited for by all; later ones by nobody: what they give
   * is for the requests that come after.
   *
   * @returns The fetch under way, for the runtime to keep alive; null where there is none
   */
  poll(now: number): Promise<void> | null {
    if (now - this.#polledAt >= this.#dependencies.pollSeconds) this.#flight ??= this.#fetchList(now)
    return this.#flight
  }

  hasList(): boolean {
    return this.#list !== null
  }

  /** How old the list is, in seconds; infinite where there is none. */
  ageSeconds(now: number): number {
    return this.#list ? Math.max(0, now - this.#list.asOf) : Number.POSITIVE_INFINITY
  }

  /** What of a token was cut off; null where nothing was. */
  findCutoff({ sid, subject, clientId, jti, issuedAt }: AccessTokenClaims): string | null {
    const cutoffs = this.#list?.cutoffs
    if (!cutoffs || cutoffs.size === 0) return null
    const names = { sid, sub: subject, client_id: clientId, jti }
    const dead = Object.entries(names).find(
      ([name, value]) => issuedAt < (cutoffs.get(`${name} ${value}`) ?? 0),
    )
    return dead ? dead[0] : null
  }

  async #fetchList(now: number): Promise<void> {
    this.#polledAt = now
    try {
      this.#list = await this.#read(now)
    } catch {
      // The list that there is grows old, and the API decides what that means.
    } finally {
      this.#flight = null
    }
  }

  async #read(now: number): Promise<RevocationList> {
    const { discovery, fetch } = this.#dependencies
    const { revocationsUri } = await discovery.endpoints()
    if (revocationsUri === null) throw new Error('the issuer has no revocation feed')
    const last = this.#list
    const response = await fetchDocument(
      fetch,
      revocationsUri,
      last?.etag ? { 'If-None-Match': last.etag } : {},
    )
    const asOf = now - Math.max(0, Number(response.headers.get('Age')) || 0)
    if (response.status === 304 && last) return { ...last, asOf }
    // Not text(): Workers warns of a body whose type is not text.
    const body = new TextDecoder().decode(await response.arrayBuffer())
    const list = await this.#verify(body, now)
    // A list that was overtaken already: from a cache, or from a place that lags behind.
    if (last && list.sequence < last.sequence) return last
    return { ...list, etag: response.headers.get('ETag'), asOf }
  }

  async #verify(token: string, now: number): Promise<{ cutoffs: Cutoffs; sequence: number }> {
    const { issuer, keys } = this.#dependencies
    const key = await keys.find(decodeProtectedHeader(token).kid ?? '', now)
    if (key === null) throw new Error('the feed is signed by no key of the issuer')
    const currentDate = new Date(now * 1000)
    const options = { algorithms: [key.alg], typ: FEED_TYPE, issuer, currentDate }
    const { payload } = await jwtVerify(token, key.key, options)
    return decodeFeed(payload)
  }
}

function decodeFeed({ sequence, revocations }: JWTPayload): { cutoffs: Cutoffs; sequence: number } {
  if (typeof sequence !== 'number' || !Array.isArray(revocations)) throw new Error('the feed is not one')
  return { cutoffs: new Map(revocations.flatMap(decodeEntry)), sequence }
}

function decodeEntry(entry: unknown): [string, number][] {
  const { before, ...names } = (entry ?? {}) as Record<string, unknown>
  if (typeof before !== 'number') throw new Error('the feed has an entry without a time')
  return Object.entries(names).map(([name, value]) => [`${name} ${value}`, before])
}
