import type { AccessTokenClaims } from './claims.ts'
import type { Discovery } from './discovery.ts'
import { type FeedDocument, verifyFeedDocument } from './feed_document.ts'
import { type Fetch, fetchDocument, readText, UnexpectedStatus } from './fetch_document.ts'
import { isWithin } from './is_within.ts'
import type { KeySource } from './key_source.ts'
import { RevocationEntries } from './revocation_entries.ts'
import { type Moment, SharedFlight } from './shared_flight.ts'

interface RevocationList {
  entries: RevocationEntries
  sequence: number
  /** The cursor at the end of the list; null if the issuer serves no changes. */
  until: string | null
  windowSeconds: number
  /** The `exp` of the signed list, in Unix seconds. */
  expiresAt: number
  /** The URL and the ETag of the last response. */
  source: { url: string; etag: string | null }
  /** The time at which the stores of the issuer last confirmed the list. Unix seconds. */
  asOf: number
  receivedAt: number
}

interface Dependencies {
  issuer: string
  discovery: Discovery
  keys: KeySource
  fetch: Fetch
  leewaySeconds: number
  /** The shortest time between two fetches. */
  pollSeconds: number
  /** An older list makes the verifier refuse tokens. Infinite for `whenStale: 'open'`. */
  refusedAfterSeconds: number
  maxBytes: number
  maxEntries: number
  onError: (error: Error) => void
}

/** A document was fetched but cannot be used. The message says why. */
class UnusableDocument extends Error {
  override name = 'UnusableDocument'
}

/** After this many poll intervals without a response, requests wait for the next poll. */
const OVERDUE_POLLS = 1.5

/** How long an isolate of the issuer and an HTTP cache keep a list, unless the poller asks for a shorter time. */
const CACHE_SECONDS = 5

/** The greatest age of a list in a response of an isolate and an HTTP cache. */
const OLDEST_RESPONSE_SECONDS = 2 * CACHE_SECONDS

/** An entry is kept this much longer than its tokens live, because clocks can differ. */
const CLOCK_SECONDS = 60

/** Polls the revocations of the issuer in parallel with requests. All requests of an isolate share one poller. */
export class RevocationPoller {
  readonly #dependencies: Dependencies
  readonly #polling = new SharedFlight<void>()
  #list: RevocationList | null = null
  #polledAt = Number.NEGATIVE_INFINITY
  #hasPolled = false
  /** Whether the last poll began after a pause without polls. */
  #endsPause = false
  #lastError: Error | null = null

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Fetches the list if a poll is due. Usually no request waits for the fetch. All requests wait for the first poll, for a poll
   * after a pause without polls, and for a poll while the list is too old. So an API with few requests refuses revoked tokens with
   * no more delay than a busy API. While the issuer cannot be reached, only the request that starts a poll waits.
   */
  async poll(moment: Moment): Promise<void> {
    const { now } = moment
    const isDue = !isWithin(this.#dependencies.pollSeconds, this.#polledAt, now)
    const isOverdue = isDue && (this.#isPaused(now) || this.#isPastBound(now))
    if (isDue) this.#polledAt = now
    const polling = isDue ? this.#polling.run(() => this.#fetchList(moment), moment) : null
    const isNeeded = !this.#hasPolled || this.isTooOld(now) || isOverdue || this.#endsPause
    // Only a request that waits joins a running poll, because joining starts a timer.
    const flight = polling ?? (isNeeded ? this.#polling.join(now) : null)
    // A failed poll does not change the list.
    const ended = flight?.catch(() => {})
    if (isNeeded) await ended
  }

  /** Whether the list is so old that the verifier must refuse tokens. */
  isTooOld(now: number): boolean {
    return this.#ageSeconds(now) > this.#dependencies.refusedAfterSeconds
  }

  /** The error of the last poll; null if it succeeded. */
  get lastError(): Error | null {
    return this.#lastError
  }

  /** The claim whose entry revokes the token, `all`, or null. */
  findRevocation(claims: AccessTokenClaims): string | null {
    return this.#list?.entries.find(claims) ?? null
  }

  /** The age of the list in seconds. Infinite without a list, or after the clock was set back. */
  #ageSeconds(now: number): number {
    return this.#list && this.#list.asOf <= now ? now - this.#list.asOf : Number.POSITIVE_INFINITY
  }

  #isPastBound(now: number): boolean {
    return this.#ageSeconds(now) >= this.#dependencies.pollSeconds + OLDEST_RESPONSE_SECONDS
  }

  #isPaused(now: number): boolean {
    const receivedAt = this.#list?.receivedAt ?? Number.NEGATIVE_INFINITY
    return now - receivedAt >= OVERDUE_POLLS * this.#dependencies.pollSeconds
  }

  async #fetchList(moment: Moment): Promise<void> {
    this.#endsPause = this.#isPaused(moment.now) && this.#lastError === null
    try {
      this.#list = await this.#read(moment)
      this.#lastError = null
    } catch (error) {
      // The last list stays in use. `whenStale` decides what happens when it is too old.
      this.#report(error instanceof Error ? error : new Error(String(error)))
    }
    this.#hasPolled = true
  }

  /** Reports an error once, also if it repeats. */
  #report(error: Error): void {
    if (error.message !== this.#lastError?.message) this.#dependencies.onError(error)
    this.#lastError = error
  }

  async #read(moment: Moment): Promise<RevocationList> {
    const { discovery, pollSeconds } = this.#dependencies
    const { revocationsUri } = await discovery.endpoints(moment.now)
    if (revocationsUri === null) throw new Error('the issuer has no revocation feed')
    const wholeList = addMaxAge(revocationsUri, pollSeconds)
    const last = this.#list
    if (last?.until) {
      const url = addParameter(wholeList, 'since', last.until)
      const changed = await this.#readFrom(url, last, moment).catch(rethrowOutage)
      if (changed) return changed
    }
    const whole = await this.#readFrom(wholeList, last, moment)
    if (!whole) throw new Error('the issuer sent changes instead of the whole list')
    return whole
  }

  /** @returns Null if the document does not continue the current list or would make it too long */
  async #readFrom(url: string, last: RevocationList | null, moment: Moment): Promise<RevocationList | null> {
    const { now } = moment
    const { fetch, maxBytes } = this.#dependencies
    const etag = last && last.source.url === url && last.expiresAt > now ? last.source.etag : null
    const response = await fetchDocument(fetch, url, { headers: etag ? { 'If-None-Match': etag } : {} })
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
    // A cache or a slow location can send an older list.
    if (last && sequence < last.sequence) return last
    // A whole list does not replace the known entries. The issuer reads its databases one by one, so the list can lack an entry.
    const list = {
      entries: last?.entries ?? new RevocationEntries(),
      sequence,
      until,
      windowSeconds,
      expiresAt,
      ...received,
    }
    this.#removeExpired(list, received.receivedAt)
    const { maxEntries } = this.#dependencies
    if (list.entries.sizeWith(entries) > maxEntries) {
      if (!isWhole) return null
      list.entries = new RevocationEntries()
    }
    if (list.entries.sizeWith(entries) > maxEntries) {
      throw new Error(`the revocation feed has more than ${maxEntries} entries (revocations.maxEntries)`)
    }
    list.entries.add(entries)
    return list
  }

  #removeExpired({ entries, windowSeconds }: RevocationList, now: number): void {
    entries.removeUntil(now - windowSeconds - this.#dependencies.leewaySeconds - CLOCK_SECONDS)
  }
}

function unusable(error: unknown): never {
  throw new UnusableDocument(error instanceof Error ? error.message : String(error), { cause: error })
}

/** Returns null for unusable changes, so that the whole list is fetched. @throws the error if the issuer was not reached */
function rethrowOutage(error: unknown): null {
  const isRefused = error instanceof UnexpectedStatus && error.status < 500
  if (isRefused || error instanceof UnusableDocument) return null
  throw error
}

/** A poller that is faster than the caches of the issuer asks them for a newer list. */
function addMaxAge(uri: string, pollSeconds: number): string {
  if (pollSeconds >= CACHE_SECONDS) return uri
  return addParameter(uri, 'max_age', String(Math.max(1, Math.floor(pollSeconds))))
}

function addParameter(uri: string, name: string, value: string): string {
  const url = new URL(uri)
  url.searchParams.set(name, value)
  return url.href
}
