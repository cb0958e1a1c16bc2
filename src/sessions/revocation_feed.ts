import * as z from 'zod/mini'
import type { KeyRing } from '../keys/key_ring.ts'
import { decodeRecord } from '../lib/decode.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { READ_TIMEOUT_MS, respondWithin } from '../lib/storage_error.ts'
import type { LastResponseStore } from '../storage/last_response_store.ts'
import type { ReadCopyStore } from '../storage/read_copy_store.ts'
import { type FeedDocument, FeedSnapshot } from './feed_snapshot.ts'
import { ListedRevocations, MAX_FEED_ENTRIES } from './listed_revocations.ts'
import { MERGED } from './merge_revocations.ts'
import type { RevocationStore } from './revocation_store.ts'

/**
 * The time for which the edge and an isolate cache the feed, unless the reader asks for a shorter time. It is part of the maximum
 * delay of a revocation.
 */
export const FEED_MAX_AGE_SECONDS = 5

/** The minimum time between two writes of the KV copy. The copy is for outages of D1. KV accepts one write a second to a key. */
const COPY_AGAIN_SECONDS = 60

/** The name of the copies. */
const NAME = 'revocations'

/** A signed list, and when the stores last confirmed it, in Unix seconds. */
export interface Feed extends FeedDocument {
  asOf: number
}

const feedSchema: z.ZodMiniType<Feed> = z.object({ token: z.string(), etag: z.string(), asOf: z.int() })

/** A request for the feed. */
export interface FeedRequest {
  /** The cursor at the end of the reader's list; null for the whole list. */
  since: string | null
  /** The greatest age of the list, from 1 to FEED_MAX_AGE_SECONDS. */
  maxAgeSeconds: number
}

/** The size of the list and its merged entries, for operators. */
export interface FeedState {
  entries: number
  maxEntries: number
  /** The coarse entries that replaced finer ones. `clientId` is null if an entry is for all tokens. */
  merged: { clientId: string | null; before: number }[]
}

interface Dependencies {
  /** Every database that lists revocations, by the name of its binding. */
  stores: ReadonlyMap<string, RevocationStore>
  keys: KeyRing
  copies: ReadCopyStore
  lastResponses: LastResponseStore
  issuer: string
  /** The longest lifetime of an access token. */
  windowSeconds: number
}

/** The signed list of revocations whose access tokens have not expired. */
export class RevocationFeed {
  readonly #dependencies: Dependencies
  readonly #flights = new SingleFlight<FeedSnapshot>()
  readonly #listed: ListedRevocations
  #snapshot: FeedSnapshot | null = null
  /** The last copy that this isolate wrote to KV, and its time. */
  #copied = { token: '', at: 0 }

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#listed = new ListedRevocations(dependencies.stores)
  }

  /**
   * Reads the feed. The list has at most the requested age if the stores respond in time. Otherwise it is the last list
   * in this isolate, in KV or in the cache of this data centre. `asOf` is the time of the list.
   *
   * @throws StorageUnavailable if no list is found
   */
  async read(request: FeedRequest, context: RequestContext): Promise<Feed> {
    const { since } = request
    const snapshot = await this.#current(request, context)
    if (!(snapshot instanceof FeedSnapshot)) return snapshot
    const document = since === null ? snapshot.full() : snapshot.since(since)
    return { ...(await document), asOf: snapshot.asOf }
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async describe(context: RequestContext): Promise<FeedState> {
    const { lists, size } = await this.#renewOnce(context)
    const merged = lists
      .flatMap(({ revocations }) => revocations)
      .filter(({ reason }) => reason === MERGED)
      .map(({ clientId, before }) => ({ clientId, before }))
    return { entries: size, maxEntries: MAX_FEED_ENTRIES, merged }
  }

  /** Merges entries if the list is too long. The cron trigger calls this method, because a feed without readers can also be too long. */
  async keepWithinLimit(now: number): Promise<void> {
    try {
      await this.#listed.read(now)
    } catch (error) {
      log('error', 'feed_not_refreshed', { cause: describeError(error) })
    }
  }

  async #current(request: FeedRequest, context: RequestContext): Promise<FeedSnapshot | Feed> {
    const last = this.#snapshot
    if (last && isRecent(last, request, context.now)) return last
    const reading = this.#renewOnce(context)
    try {
      return await respondWithin(READ_TIMEOUT_MS, reading)
    } catch (error) {
      const known = last ?? (await this.#findElsewhere(context))
      if (known === null) return reading
      log('error', 'feed_not_refreshed', { cause: describeError(error) })
      return known
    }
  }

  #renewOnce(context: RequestContext): Promise<FeedSnapshot> {
    return this.#flights.run(NAME, context, () => this.#renew(context))
  }

  async #renew(context: RequestContext): Promise<FeedSnapshot> {
    const { keys, issuer, windowSeconds } = this.#dependencies
    const [lists, key] = await Promise.all([this.#listed.read(context.now), keys.current(context)])
    const parts = { lists, issuer, windowSeconds, key, asOf: context.now }
    const snapshot = this.#snapshot?.confirm(parts) ?? new FeedSnapshot(parts)
    const feed = { ...(await snapshot.full()), asOf: context.now }
    this.#dependencies.lastResponses.keep(NAME, feed, context)
    this.#keepCopy(feed, context)
    this.#snapshot = snapshot
    return snapshot
  }

  #keepCopy(feed: Feed, context: RequestContext): void {
    const { token, at } = this.#copied
    if (feed.token === token || context.now - at < COPY_AGAIN_SECONDS) return
    this.#copied = { token: feed.token, at: context.now }
    this.#dependencies.copies.repair(NAME, feed, context)
  }

  /** The newer of two copies: the copy in KV, or the copy in the cache of this data centre. The copy in KV may be a minute old. */
  async #findElsewhere(context: RequestContext): Promise<Feed | null> {
    const { copies, lastResponses } = this.#dependencies
    const found = await Promise.all([copies, lastResponses].map((store) => findFeed(store, context)))
    return found.reduce((newer, feed) => (newer && newer.asOf >= (feed?.asOf ?? 0) ? newer : feed))
  }
}

/** Whether a snapshot is new enough. If a cursor is ahead of the snapshot, the stores are read again, at most once a second. */
function isRecent(snapshot: FeedSnapshot, { since, maxAgeSeconds }: FeedRequest, now: number): boolean {
  if (now - snapshot.asOf >= maxAgeSeconds) return false
  return since === null || snapshot.asOf === now || !snapshot.isBehind(since)
}

interface FeedCopies {
  find(name: string, context: RequestContext): Promise<unknown>
}

/** The copy of the feed in a store; null if the store has no valid copy. */
async function findFeed(store: FeedCopies, context: RequestContext): Promise<Feed | null> {
  try {
    const copy = await store.find(NAME, context)
    return copy === null ? null : decodeRecord(feedSchema, NAME, copy)
  } catch (error) {
    log('error', 'feed_copy_unusable', { cause: describeError(error) })
    return null
  }
}
