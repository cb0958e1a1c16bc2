import { ExpiringCache } from '../lib/expiring_cache.ts'
import { TokenBucket } from '../lib/token_bucket.ts'

/** The budget of a caller of the admin API in an isolate, at once and in each minute. A changed record takes one. */
export const RECORDS_PER_MINUTE = 600

/** The cost of a search through a whole table. */
export const SEARCH_COST = 10

/** The cost of a password hash, which uses memory and up to 100 ms of CPU time. */
export const HASH_COST = 10

/** The most callers whose buckets an isolate keeps. */
const MAX_BUCKETS = 1000

/** An unused bucket is full again after a minute. */
const KEEP_SECONDS = 60

/** A budget for each operator and each service account, because one request can change many records or read a whole table. */
export class CallerBudget {
  readonly #buckets = new ExpiringCache<TokenBucket>(MAX_BUCKETS)

  /**
   * Takes a cost from the budget of a caller, or nothing if the budget has less.
   *
   * @param caller The id of the user or of the client.
   * @returns the seconds after which the budget has enough; 0 if it had enough
   */
  take(caller: string, cost: number, now: number): number {
    const bucket =
      this.#buckets.get(caller, now) ?? new TokenBucket(RECORDS_PER_MINUTE, RECORDS_PER_MINUTE / 60)
    this.#buckets.set(caller, bucket, now + KEEP_SECONDS)
    return bucket.takeAll(cost, now) ? 0 : bucket.secondsUntil(cost, now)
  }
}
