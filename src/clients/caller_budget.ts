import { ExpiringCache } from '../lib/expiring_cache.ts'
import { TokenBucket } from '../lib/token_bucket.ts'

/** The records that a service account may change in an isolate, at once and in each minute. */
export const ACCOUNT_RECORDS_PER_MINUTE = 600

/** What a search through a whole table, or a password check, takes from the budget of changed records. */
export const SEARCH_COST = 10

/** The most service accounts whose buckets an isolate keeps. */
const MAX_BUCKETS = 1000

/** An unused bucket is full again after a minute. */
const KEEP_SECONDS = 60

/** A budget of changed records for each service account, because one import changes many records. */
export class AccountBudget {
  readonly #buckets = new ExpiringCache<TokenBucket>(MAX_BUCKETS)

  /** Takes records from the budget of a client. Returns false, and takes nothing, if the budget has less. */
  take(clientId: string, records: number, now: number): boolean {
    const bucket =
      this.#buckets.get(clientId, now) ??
      new TokenBucket(ACCOUNT_RECORDS_PER_MINUTE, ACCOUNT_RECORDS_PER_MINUTE / 60)
    this.#buckets.set(clientId, bucket, now + KEEP_SECONDS)
    return bucket.takeAll(records, now)
  }
}
