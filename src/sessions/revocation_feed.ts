import * as z from 'zod/mini'
import type { KeyRing } from '../keys/key_ring.ts'
import { decodeRecord } from '../lib/decode.ts'
import { etagOf } from '../lib/etag.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { answerWithin, PATIENCE_MS } from '../lib/storage_error.ts'
import type { LastAnswerStore } from '../storage/last_answer_store.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import { issueRevocationsToken } from '../tokens/revocations_token.ts'
import type { Cutoff, CutoffStore } from './cutoff_store.ts'

/** How long the edge and an isolate keep the feed: part of the bound on a revoked token. */
export const FEED_MAX_AGE_SECONDS = 5

/** A list that does not change is signed again after this long. */
const SIGN_AGAIN_SECONDS = 3600

/** An isolate writes the KV copy no more often: it is for a time without D1, and KV takes one write a second to a key. */
const COPY_AGAIN_SECONDS = 60

/** Of its copies. */
const NAME = 'revocations'

/** The feed as one isolate holds it. Times are Unix seconds. */
export interface Feed {
  /** The signed JWT. */
  token: string
  etag: string
  /** When the stores last said that this is the list. */
  asOf: number
  signedAt: number
  kid: string
}

const feedSchema: z.ZodMiniType<Feed> = z.object({
  token: z.string(),
  etag: z.string(),
  asOf: z.int(),
  signedAt: z.int(),
  kid: z.string(),
})

interface Dependencies {
  /** Every database that lists cut-offs. */
  stores: readonly CutoffStore[]
  keys: KeyRing
  copies: ReadCopyStore
  lastAnswers: LastAnswerStore
  issuer: string
  /** How long a cut-off is listed: the longest that an access token lives. */
  windowSeconds: number
}

/** The list of what was cut off while the access tokens that it kills may live, signed. */
export class RevocationFeed {
  readonly #dependencies: Dependencies
  readonly #flights = new SingleFlight<Feed>()
  #feed: Feed | null = null
  /** What this isolate wrote to KV last, and when. */
  #copied = { token: '', at: 0 }

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * The feed, no older than FEED_MAX_AGE_SECONDS where the stores answer in time; else the last one there was: here, in
   * KV, or in this data centre. How old it is, it says itself.
   *
   * @throws StorageUnavailable where there never was one
   */
  async current(context: RequestContext): Promise<Feed> {
    const last = this.#feed
    if (last && context.now - last.asOf < FEED_MAX_AGE_SECONDS) return last
    const reading = this.#flights.run(NAME, context, () => this.#renew(context))
    try {
      return await answerWithin(PATIENCE_MS, reading)
    } catch (error) {
      const known = last ?? (await this.#findElsewhere(context))
      if (known === null) return reading
      log('error', 'feed_not_refreshed', { cause: describeError(error) })
      return known
    }
  }

  async #renew(context: RequestContext): Promise<Feed> {
    const feed = await this.#read(context)
    this.#dependencies.lastAnswers.keep(NAME, feed, context)
    this.#keepCopy(feed, context)
    this.#feed = feed
    return feed
  }

  #keepCopy(feed: Feed, context: RequestContext): void {
    const { token, at } = this.#copied
    if (feed.token === token || context.now - at < COPY_AGAIN_SECONDS) return
    this.#copied = { token: feed.token, at: context.now }
    this.#dependencies.copies.repair(NAME, feed, context)
  }

  async #read(context: RequestContext): Promise<Feed> {
    const { stores, keys } = this.#dependencies
    const lists = await Promise.all(stores.map((store) => store.list({ now: context.now })))
    const cutoffs = lists.flatMap((list) => list.cutoffs)
    const sequence = lists.reduce((sum, list) => sum + list.lastId, 0)
    const key = await keys.current(context)
    // Weak: isolates sign the same list each for itself (RFC 9110 §8.8.1). With the key, so that readers learn of a new
    // one by its signature, and drop what left the JWKS with it.
    const etag = `W/${await etagOf(JSON.stringify([sequence, cutoffs, key.kid]))}`
    const last = this.#feed
    const isSame =
      last?.etag === etag && last.kid === key.kid && context.now - last.signedAt < SIGN_AGAIN_SECONDS
    if (isSame) return { ...last, asOf: context.now }
    const token = await issueRevocationsToken(
      { ...this.#claims(cutoffs, sequence), issuedAt: context.now },
      key,
    )
    return { token, etag, asOf: context.now, signedAt: context.now, kid: key.kid }
  }

  #claims(cutoffs: readonly Cutoff[], sequence: number) {
    const { issuer, windowSeconds } = this.#dependencies
    const entries = cutoffs.map(toEntry)
    return { issuer, windowSeconds, sequence, entries }
  }

  /** Of the copy in KV, which may be a minute behind, and that of this data centre, the newer one. */
  async #findElsewhere(context: RequestContext): Promise<Feed | null> {
    const { copies, lastAnswers } = this.#dependencies
    const found = await Promise.all([copies, lastAnswers].map((store) => findFeed(store, context)))
    return found.reduce((newer, feed) => (newer && newer.asOf >= (feed?.asOf ?? 0) ? newer : feed))
  }
}

/** A cut-off as the feed lists it. */
function toEntry({ kind, value, before }: Cutoff): Record<string, string | number | boolean> {
  return { [kind]: kind === 'all' ? true : value, before }
}

interface FeedCopies {
  find(name: string, context: RequestContext): Promise<unknown>
}

/** The feed that a store has; null where it has none, or one that does not decode. */
async function findFeed(store: FeedCopies, context: RequestContext): Promise<Feed | null> {
  try {
    const copy = await store.find(NAME, context)
    return copy === null ? null : decodeRecord(feedSchema, NAME, copy)
  } catch (error) {
    log('error', 'feed_copy_unusable', { cause: describeError(error) })
    return null
  }
}
