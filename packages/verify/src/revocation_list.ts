import type { AccessTokenClaims } from './claims.ts'
import { Cutoffs } from './cutoffs.ts'
import type { Discovery } from './discovery.ts'
import { type FeedDocument, verifyFeedDocument } from './feed_document.ts'
import { type Fetch, fetchDocument, readText, UnexpectedStatus } from './fetch_document.ts'
import { isWithin } from './is_within.ts'
import type { KeySource } from './key_source.ts'
import { type Moment, SharedFlight } from './shared_flight.ts'

interface RevocationList {
  cutoffs: Cutoffs
  sequence: number
  /** The cursor that the list ends at; null where the issuer serves no deltas. */
  until: string | null
  windowSeconds: number
  /** Of the signed text, in Unix seconds. */
  expiresAt: number
  /** The address whose response had this ETag. */
  source: { url: string; etag: string | null }
  /** When the issuer's stores last confirmed it. Unix seconds. */
  asOf: number
  receivedAt: number
}

interface Dependencies {
  issuer: string
  discovery: Discovery
  keys: KeySource
  fetch: Fetch
  leewaySeconds: number
  /** The least time between two fetches. */
  pollSeconds: number
  /** From which age the list is of no use; infinite for an API that stays open. */
  refusedAfterSeconds: number
  maxBytes: number
  maxEntries: number
  onError: (error: Error) => void
}

/** A document was fetched but cannot be used. The message says why. */
class UnusableDocument extends Error {
  override name = 'UnusableDocument'
}

/** In polls: a list that has waited for the next one for longer is too old to judge the request that begins it. */
const OVERDUE_POLLS = 1.5

/** How old a list may be when it comes: 5 s in an isolate of the issuer, and 5 s in an HTTP cache on the way. */
const OLDEST_ANSWER_SECONDS = 10

/** An entry is kept this much longer than its tokens live, because clocks differ. */
const CLOCK_SECONDS = 60

/** The issuer's revocations, fetched beside the requests that need them: one poller however many they are. */
export class RevocationPoller {
  readonly #dependencies: Dependencies
  readonly #polling = new SharedFlight<void>()
  #list: RevocationList | null = null
  #polledAt = Number.NEGATIVE_INFINITY
  #hasAnswered = false
  #lastError: Error | null = null

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

  /** Why the last poll failed; null where it succeeded. */
  get lastError(): Error | null {
    return this.#lastError
  }

  /** The claim whose entry revokes a token; null if the token is not revoked. */
  findCutoff(claims: AccessTokenClaims): string | null {
    return this.#list?.cutoffs.find(claims) ?? null
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
      this.#lastError = null
    } catch (error) {
      // The last list stays and grows old, and the API decides what that means.
      this.#report(error instanceof Error ? error : new Error(String(error)))
    }
    this.#hasAnswered = true
  }

  /** An error that repeats is reported once. */
  #report(error: Error): void {
    if (error.message !== this.#lastError?.message) this.#dependencies.onError(error)
    this.#lastError = error
  }

  async #read(moment: Moment): Promise<RevocationList> {
    const { revocationsUri } = await this.#dependencies.discovery.endpoints(moment.now)
    if (revocationsUri === null) throw new Error('the issuer has no revocation feed')
    const last = this.#list
    if (last?.until) {
      const url = addSince(revocationsUri, last.until)
      const changed = await this.#readFrom(url, last, moment).catch(onlyOutage)
      if (changed) return changed
    }
    const whole = await this.#readFrom(revocationsUri, last, moment)
    if (!whole) throw new Error('the feed has changes of another list than was asked for')
    return whole
  }

  /** @returns null if the document does not continue the current list, or would make it too long */
  async #readFrom(url: string, last: RevocationList | null, moment: Moment): Promise<RevocationList | null> {
    const { now } = moment
    const { fetch, maxBytes } = this.#dependencies
    const etag = last && last.source.url === url && last.expiresAt > now ? last.source.etag : null
    const response = await fetchDocument(fetch, url, etag ? { 'If-None-Match': etag } : {})
    const asOf = now - Math.max(0, Number(response.headers.get('Age')) || 0)
    const received = { asOf, receivedAt: now }
    if (response.status === 304 && last && etag) {
      this.#removeExpired(last, now)
      return { ...last, ...received }
    }
    const limit = { maxBytes, name: 'the revocation feed (revocations.maxBytes)' }
    const text = await readText(response, limit).catch(unusable)
    const document = await verifyFeedDocument(text, this.#dependencies, moment).catch(unusable)
    const source = { url, etag: response.headers.get('ETag') }
    return this.#continue(document, last, { ...received, source })
  }

  #continue(
    document: FeedDocument,
    last: RevocationList | null,
    received: Pick<RevocationList, 'asOf' | 'receivedAt' | 'source'>,
  ): RevocationList | null {
    const { entries, since, sequence, until, windowSeconds, expiresAt } = document
    const isWhole = since === null
    if (!isWhole && since !== last?.until) return null
    // A list that was overtaken already: from a cache, or from a place that lags behind.
    if (last && sequence < last.sequence) return last
    // Known entries stay with a whole list too. The issuer reads its databases one by one, so that list may lack one.
    const list = {
      cutoffs: last?.cutoffs ?? new Cutoffs(),
      sequence,
      until,
      windowSeconds,
      expiresAt,
      ...received,
    }
    this.#removeExpired(list, received.receivedAt)
    const { maxEntries } = this.#dependencies
    if (list.cutoffs.sizeWith(entries) > maxEntries) {
      if (!isWhole) return null
      list.cutoffs = new Cutoffs()
    }
    if (list.cutoffs.sizeWith(entries) > maxEntries) {
      throw new Error(`the revocation feed has more than ${maxEntries} entries (revocations.maxEntries)`)
    }
    list.cutoffs.add(entries)
    return list
  }

  #removeExpired({ cutoffs, windowSeconds }: RevocationList, now: number): void {
    cutoffs.removeUntil(now - windowSeconds - this.#dependencies.leewaySeconds - CLOCK_SECONDS)
  }
}

function unusable(error: unknown): never {
  throw new UnusableDocument(error instanceof Error ? error.message : String(error), { cause: error })
}

/** After changes that cannot be used, the whole list is fetched. @throws the error where no document was fetched */
function onlyOutage(error: unknown): null {
  const isRefused = error instanceof UnexpectedStatus && error.status < 500
  if (isRefused || error instanceof UnusableDocument) return null
  throw error
}

function addSince(uri: string, cursor: string): string {
  const url = new URL(uri)
  url.searchParams.set('since', cursor)
  return url.href
}
