import { ExpiringCache } from '../lib/expiring_cache.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { TokenBucket } from '../lib/token_bucket.ts'
import type { AuditEvent } from './audit_event.ts'

/**
 * The number of rows that an isolate writes for repeatable events: at once, and then per minute. A stranger is a caller without a
 * client secret.
 */
export const EVENTS_PER_MINUTE = {
  session: 10,
  address: 60,
  network: 240,
  strangers: 300,
  client: 600,
  clients: 1200,
} as const

/** The most buckets of sessions, addresses, networks and clients in an isolate. `strangers` and `clients` limit the rest. */
const MAX_BUCKETS = 2000

/** The isolate forgets an unused bucket after this time, because the bucket is full again. */
const KEEP_SECONDS = 60

/** Whether one caller can repeat such an event without a limit. All other events have other limits. */
export function isRepeatable({ kind, outcome, sid, actor }: AuditEvent): boolean {
  if (actor !== undefined) return false
  switch (kind) {
    case 'sign_in_failure':
    case 'refresh_refused':
    case 'code_refused':
    case 'retry':
    case 'unchecked_password':
      return true
    // Only tokens of a client itself. `sign_ins` and `guests` limit the tokens of sessions, and operators need each event.
    case 'issue':
      return sid === null
    // A successful merge ends the guest's session, so each session has only one.
    case 'merge':
      return outcome === 'refused'
    // A passkey whose counter falls can be sent again. A budget limits the notifications that are sent.
    case 'factor':
    case 'notification':
      return outcome === 'refused'
    // `sign_ins` limits these events.
    case 'browser_sign_in':
    case 'step_sign_in':
    case 'account':
    // `refreshes` limits these events.
    case 'refresh':
    // One event for each session, account, lock, password hash, key or change by an operator.
    case 'sign_up':
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

/** The budget of repeatable events. It has token buckets for each session and caller, and one for all callers of a kind. */
export class AuditBudget {
  readonly #buckets = new ExpiringCache<TokenBucket>(MAX_BUCKETS)
  readonly #shared = { strangers: bucketOf('strangers'), clients: bucketOf('clients') }

  /** Takes one event from the budget of its caller. @returns false if the budget is used up; then it takes nothing */
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

/** The network of the caller. All callers without an address count as one network. */
export function networkOf({ addressPrefix }: RequestContext): string {
  return addressPrefix ?? 'unknown'
}

function bucketOf(level: Level): TokenBucket {
  return new TokenBucket(EVENTS_PER_MINUTE[level], EVENTS_PER_MINUTE[level] / 60)
}
