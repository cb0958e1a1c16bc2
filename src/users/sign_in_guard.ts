import type { AuditStore } from '../audit/audit_store.ts'
import type { SignInLimits } from '../config/config.ts'
import { ExpiringCache } from '../lib/expiring_cache.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { tooManyAttempts } from '../oauth/errors.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { FailureCount, FailureKey, FailureKind } from './failure_count.ts'
import type { FailureStore, Lock } from './failure_store.ts'

/** Whose name is tried, and by which client. The name is normalised. */
export interface Attempt {
  pool: string
  username: string
  clientId: string
  /** For the audit trail. */
  api: string | null
}

/** An attempt, and what its failure would count for. */
export interface WatchedAttempt extends Attempt {
  keys: readonly FailureKey[]
  context: RequestContext
}

/** As long as any attempt waits for its hash and its stores, and longer. */
const GUESSED_LATELY_SECONDS = 60
const MAX_GUESSED = 1000

interface Dependencies {
  failures: FailureStore
  names: KeyedHash
  limits: SignInLimits
  audit: AuditStore
  bursts: BurstLimits
}

/** Counts failed sign-ins for accounts, addresses and clients, and says who has to wait. */
export class SignInGuard {
  readonly #failures: FailureStore
  readonly #names: KeyedHash
  readonly #limits: SignInLimits
  readonly #audit: AuditStore
  readonly #bursts: BurstLimits
  /** The accounts that were guessed at in this isolate. */
  readonly #guessed = new ExpiringCache<true>(MAX_GUESSED)

  constructor({ failures, names, limits, audit, bursts }: Dependencies) {
    this.#failures = failures
    this.#names = names
    this.#limits = limits
    this.#audit = audit
    this.#bursts = bursts
  }

  /** @throws OAuthError temporarily_unavailable where the address tried that name too often in the last minute */
  async watch(attempt: Attempt, context: RequestContext): Promise<WatchedAttempt> {
    const { pool, username, clientId } = attempt
    const account = await this.#names.name('account', pool, username)
    await this.#bursts.spend('sign_ins', account, context)
    const keys: FailureKey[] = [
      { kind: 'account', key: account },
      { kind: 'client', key: clientId },
    ]
    if (context.address !== null) {
      keys.push({ kind: 'address', key: await this.#names.name('address', context.address) })
    }
    return { ...attempt, keys, context }
  }

  /**
   * Refuses an address that failed too often. While the client is locked, it refuses each address that failed at all; other
   * addresses sign in as before. A caller without an address shares no count with other callers, so neither lock applies to
   * it. The refusal says nothing about an account.
   *
   * @throws OAuthError temporarily_unavailable
   */
  requireAdmission(counts: readonly FailureCount[], { context: { now } }: WatchedAttempt): void {
    const lockOf = (kind: FailureKind) =>
      counts.find((count) => count.kind === kind && count.lockedUntil > now)
    const hasFailed = counts.some(({ kind }) => kind === 'address')
    const lock = lockOf('address') ?? (hasFailed ? lockOf('client') : undefined)
    if (lock) throw tooManyAttempts(`too many failures: ${lock.kind} locked`, lock.lockedUntil - now)
  }

  isAccountLocked(counts: readonly FailureCount[], { context: { now } }: WatchedAttempt): boolean {
    return counts.some(({ kind, lockedUntil }) => kind === 'account' && lockedUntil > now)
  }

  /** For the attempts that wait behind a guess, and have read what was counted before it. */
  noteGuess({ keys, context: { now } }: WatchedAttempt): void {
    for (const { kind, key } of keys) {
      if (kind === 'account') this.#guessed.set(key, true, now + GUESSED_LATELY_SECONDS)
    }
  }

  /** Whether somebody guessed at the account lately, here: then what was read before may be behind a lock. */
  wasGuessedAt({ keys, context: { now } }: WatchedAttempt): boolean {
    return keys.some(({ kind, key }) => kind === 'account' && this.#guessed.get(key, now) !== null)
  }

  /**
   * Counts a failure. Who is told of it waits for that, in each case alike.
   *
   * @param subject The person of that name; null where there is none.
   * @throws StorageUnavailable
   */
  async countFailure(attempt: WatchedAttempt, subject: string | null): Promise<void> {
    const failures = attempt.keys.map((key) => ({ ...key, limits: this.#limits[key.kind] }))
    const locks = await this.#failures.count(failures, attempt.context.now)
    for (const lock of locks) this.#auditLock(lock, attempt, subject)
  }

  #auditLock(
    { kind, lockedUntil }: Lock,
    { api, clientId, context }: WatchedAttempt,
    subject: string | null,
  ): void {
    const reason = `${kind}: ${this.#limits[kind].failures} failed sign-ins, locked for ${lockedUntil - context.now} s`
    const who = { api, clientId, subject: kind === 'account' ? subject : null, sid: null }
    this.#audit.record({ kind: 'lock', outcome: 'ok', reason, ...who }, context)
  }

  /** Forgets what an account has failed, after its owner has signed in. Nobody waits for it. */
  forgetFailures({ keys, context }: WatchedAttempt, counts: readonly FailureCount[]): void {
    const account = keys.find(({ kind }) => kind === 'account')
    if (account === undefined || !counts.some(({ kind }) => kind === 'account')) return
    runLater(context, 'forget failures', () => this.#failures.forget(account, context.now))
  }

  /** Ends the lock of an account whose password an operator has changed: what was guessed is void. Nobody waits for it. */
  release({ pool, username }: Pick<Attempt, 'pool' | 'username'>, context: RequestContext): void {
    runLater(context, 'release account', async () => {
      const key = await this.#names.name('account', pool, username)
      await this.#failures.release({ kind: 'account', key })
    })
  }
}
