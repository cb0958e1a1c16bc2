import { ExpiringCache } from '../lib/expiring_cache.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { TokenBucket } from '../lib/token_bucket.ts'
import type { AuditEvent } from './audit_event.ts'

/**
 * Rows that an isolate writes, at once and in each minute, for events that a caller can repeat. A stranger is a caller
 * without a client secret.
 */
export const EVENTS_PER_MINUTE = {
  session: 10,
  address: 60,
  network: 240,
  strangers: 300,
  client: 600,
  clients: 1200,
} as const

/** How many buckets of sessions, addresses, networks and clients an isolate keeps. The two buckets for all strangers and all clients bound the others. */
const MAX_BUCKETS = 2000

/** An unused bucket is full again after a minute, so a new one may take its place. */
const KEEP_SECONDS = 60

/** Whether the same caller can repeat such an event without end. Other limits bound all other events. */
export function isRepeatable({ kind, outcome, sid, actor }: AuditEvent): boolean {
  if (actor !== undefined) return false
  switch (kind) {
    case 'sign_in_failure':
    case 'refresh_refused':
    case 'retry':
    case 'unchecked_password':
      return true
    // A token of the client itself. `sign_ins` and `guests` bound the tokens of sessions, and support needs each of them.
    case 'issue':
      return sid === null
    // A merge that succeeds ends a guest's session, so it happens once to each.
    case 'merge':
      return outcome === 'refused'
    // `refreshes` bounds them.
    case 'refresh':
    // Once for each session, lock, password hash and key, or for each change by an operator.
    case 'theft':
    case 'revoke':
    case 'cut_off':
    case 'lock':
    case 'rehash':
    case 'breached_password':
    case 'key':
    case 'admin':
      return false
  }
}

type Level = keyof typeof EVENTS_PER_MINUTE

/** The budget of repeatable events: a token bucket for each session and caller, and one for all callers of a kind together. */
export class AuditBudget {
  readonly #buckets = new ExpiringCache<TokenBucket>(MAX_BUCKETS)
  readonly #shared = { strangers: bucketOf('strangers'), clients: bucketOf('clients') }

  /** Takes one event from the budget of its caller. Returns false, and takes nothing, if the budget is used up. */
  take(event: AuditEvent, context: RequestContext): boolean {
    const buckets = this.#bucketsOf(event, context)
    if (buckets.some((bucket) => bucket.isEmpty(context.now))) return false
    for (const bucket of buckets) bucket.take(context.now)
    return true
  }

  #bucketsOf(event: AuditEvent, context: RequestContext): TokenBucket[] {
    const { sid, clientId, isFromClient = false } = event
    const { address, now } = context
    const ofSession = sid === null ? [] : [this.#find('session', sid, now)]
    if (isFromClient) return [...ofSession, this.#find('client', clientId ?? '', now), this.#shared.clients]
    const ofAddress = address === null ? [] : [this.#find('address', address, now)]
    return [
      ...ofSession,
      ...ofAddress,
      this.#find('network', networkOf(context), now),
      this.#shared.strangers,
    ]
  }

  #find(level: Level, name: string, now: number): TokenBucket {
    const key = `${level} ${name}`
    const bucket = this.#buckets.get(key, now) ?? bucketOf(level)
    this.#buckets.set(key, bucket, now + KEEP_SECONDS)
    return bucket
  }
}

/** The network of the caller. All callers without an address share one. */
export function networkOf({ addressPrefix }: RequestContext): string {
  return addressPrefix ?? 'unknown'
}

function bucketOf(level: Level): TokenBucket {
  return new TokenBucket(EVENTS_PER_MINUTE[level], EVENTS_PER_MINUTE[level] / 60)
}
