import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import type { AccessTokenClaims } from './claims.ts'
import type { Discovery } from './discovery.ts'
import { type Fetch, fetchDocument } from './fetch_document.ts'
import { isWithin } from './is_within.ts'
import type { KeySource } from './key_source.ts'
import { type Moment, SharedFlight } from './shared_flight.ts'

const FEED_TYPE = 'revocations+jwt'

/** What the feed lists, by what it names: tokens issued before that second are dead. */
type Cutoffs = ReadonlyMap<string, number>

interface RevocationList {
  cutoffs: Cutoffs
  sequence: number
  etag: string | null
  /** When the issuer's stores last confirmed it. Unix seconds. */
  asOf: number
  receivedAt: number
}

interface Dependencies {
  issuer: string
  discovery: Discovery
  keys: KeySource
  fetch: Fetch
  /** The least time between two fetches. */
  pollSeconds: number
  /** From which age the list is of no use; infinite for an API that stays open. */
  refusedAfterSeconds: number
}

/** In polls: a list that has waited for the next one for longer is too old to judge the request that begins it. */
const OVERDUE_POLLS = 1.5

/** How old a list may be when it comes: 5 s in an isolate of the issuer, and 5 s in an HTTP cache on the way. */
const OLDEST_ANSWER_SECONDS = 10

/** The issuer's revocations, fetched beside the requests that need them: one poller however many they are. */
export class RevocationPoller {
  readonly #dependencies: Dependencies
  readonly #polling = new SharedFlight<void>()
  #list: RevocationList | null = null
  #polledAt = Number.NEGATIVE_INFINITY
  #hasAnswered = false

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Fetches the list where it is time to, beside the requests. Everyone waits for the very first, and for one that may
   * bring back a list that is of no use; else one request at most, where a poll is overdue: there were no requests for
   * a while, or they ended before their polls did. So an API that is asked seldom refuses what was revoked as soon as
   * one that is asked all the time.
   */
  async poll(moment: Moment): Promise<void> {
    const { now } = moment
    const isDue = !isWithin(this.#dependencies.pollSeconds, this.#polledAt, now)
    const isNeeded = !this.#hasAnswered || this.isTooOld(now) || (isDue && this.#isOverdue(now))
    if (isDue) this.#polledAt = now
    const polling = isDue ? this.#polling.run(() => this.#fetchList(moment), moment) : null
    // Nobody joins a poll without waiting for it: to wait for one takes a timer.
    const flight = polling ?? (isNeeded ? this.#polling.join(now) : null)
    // One that is lost leaves the list as it is.
    const ended = flight?.catch(() => {})
    if (isNeeded) await ended
  }

  /** Whether an API that is not to stay open must refuse. */
  isTooOld(now: number): boolean {
    return this.#ageSeconds(now) > this.#dependencies.refusedAfterSeconds
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

  /** How old the list is, in seconds; infinite where there is none, or where it is of a time to come: who knows? */
  #ageSeconds(now: number): number {
    return this.#list && this.#list.asOf <= now ? now - this.#list.asOf : Number.POSITIVE_INFINITY
  }

  #isOverdue(now: number): boolean {
    const { pollSeconds } = this.#dependencies
    const receivedAt = this.#list?.receivedAt ?? Number.NEGATIVE_INFINITY
    const isPastBound = this.#ageSeconds(now) >= pollSeconds + OLDEST_ANSWER_SECONDS
    return isPastBound || now - receivedAt >= OVERDUE_POLLS * pollSeconds
  }

  async #fetchList(moment: Moment): Promise<void> {
    try {
      this.#list = await this.#read(moment)
    } catch {
      // The list that there is grows old, and the API decides what that means.
    }
    this.#hasAnswered = true
  }

  async #read(moment: Moment): Promise<RevocationList> {
    const { now } = moment
    const { discovery, fetch } = this.#dependencies
    const { revocationsUri } = await discovery.endpoints(now)
    if (revocationsUri === null) throw new Error('the issuer has no revocation feed')
    const last = this.#list
    const response = await fetchDocument(
      fetch,
      revocationsUri,
      last?.etag ? { 'If-None-Match': last.etag } : {},
    )
    const asOf = now - Math.max(0, Number(response.headers.get('Age')) || 0)
    if (response.status === 304 && last) return { ...last, asOf, receivedAt: now }
    // Not text(): Workers warns of a body whose type is not text.
    const body = new TextDecoder().decode(await response.arrayBuffer())
    const list = await this.#verify(body, moment)
    // A list that was overtaken already: from a cache, or from a place that lags behind.
    if (last && list.sequence < last.sequence) return last
    return { ...list, etag: response.headers.get('ETag'), asOf, receivedAt: now }
  }

  async #verify(token: string, moment: Moment): Promise<{ cutoffs: Cutoffs; sequence: number }> {
    const { issuer, keys } = this.#dependencies
    const key = await keys.find(decodeProtectedHeader(token).kid ?? '', moment)
    if (key === null) throw new Error('the feed is signed by no key of the issuer')
    const currentDate = new Date(moment.now * 1000)
    const options = { algorithms: [key.alg], typ: FEED_TYPE, issuer, currentDate }
    const { payload } = await jwtVerify(token, key.key, options)
    return decodeFeed(payload)
  }
}

function decodeFeed({ sequence, revocations }: JWTPayload): { cutoffs: Cutoffs; sequence: number } {
  if (typeof sequence !== 'number' || !Array.isArray(revocations)) throw new Error('the feed is not one')
  const cutoffs = new Map<string, number>()
  for (const [name, before] of revocations.flatMap(decodeEntry)) {
    // Of two entries for one name the later time holds, in whatever order they come.
    cutoffs.set(name, Math.max(before, cutoffs.get(name) ?? before))
  }
  return { cutoffs, sequence }
}

function decodeEntry(entry: unknown): [string, number][] {
  const { before, ...names } = (entry ?? {}) as Record<string, unknown>
  if (typeof before !== 'number') throw new Error('the feed has an entry without a time')
  return Object.entries(names).map(([name, value]) => [`${name} ${value}`, before])
}
