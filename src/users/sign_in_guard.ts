import type { AuditStore } from '../audit/audit_store.ts'
import type { SignInLimits } from '../config/sign_in_limits_schema.ts'
import { networksAround } from '../lib/address_prefix.ts'
import { ExpiringCache } from '../lib/expiring_cache.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { tooManyAttempts } from '../oauth/errors.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { type FailureCount, type FailureKey, type FailureKind, failureOf } from './failure_count.ts'
import type { CountedFailure, FailureStore, ReadBySignIn, RightAttempt } from './failure_store.ts'
import type { SignInMark, SuspectEnder } from './sign_in_mark.ts'
import type { User } from './user.ts'
import { HOME, type PoolName, type UserDatabases } from './user_databases_store.ts'

/** The normalised username of a sign-in, and its client. */
export interface Attempt extends PoolName {
  /** The id of the user, if it is known. */
  id?: string
  clientId: string
  /** For the audit trail. */
  api: string | null
}

/** An attempt, and the keys of its counts. */
export interface CountedAttempt extends Attempt {
  account: FailureKey
  /** The address, the networks around it and the client. */
  others: readonly FailureKey[]
  context: RequestContext
}

/** The caller of an attempt, for the audit trail. */
type Caller = Pick<CountedAttempt, 'api' | 'clientId' | 'context'>

/** A sign-in whose password was correct. `recordSignIn` needs it. */
export interface VerifiedSignIn extends ReadBySignIn {
  attempt: CountedAttempt
}

/** A guess counts as recent for this time. A sign-in takes less time. */
const RECENT_GUESS_SECONDS = 60
const MAX_GUESSED = 1000

/** A network is suspect at a tenth of its limit. Some failures of different users are normal in a large network. */
const SUSPECT_PART = 10

interface Dependencies {
  databases: UserDatabases
  failures: FailureStore
  names: KeyedHash
  limits: SignInLimits
  audit: AuditStore
  bursts: BurstLimits
  suspects: SuspectEnder
}

/** Counts failed sign-ins of accounts, addresses, networks and clients, and refuses sign-ins after too many failures. */
export class SignInGuard {
  readonly #databases: UserDatabases
  readonly #failures: FailureStore
  readonly #names: KeyedHash
  readonly #limits: SignInLimits
  readonly #audit: AuditStore
  readonly #bursts: BurstLimits
  readonly #suspects: SuspectEnder
  /** The accounts with a failed sign-in in this isolate. */
  readonly #guessed = new ExpiringCache<true>(MAX_GUESSED)

  constructor({ databases, failures, names, limits, audit, bursts, suspects }: Dependencies) {
    this.#databases = databases
    this.#failures = failures
    this.#names = names
    this.#limits = limits
    this.#audit = audit
    this.#bursts = bursts
    this.#suspects = suspects
  }

  /**
   * Makes the keys of the counts of an attempt.
   *
   * @throws OAuthError temporarily_unavailable if the address used this username too often in the last minute
   */
  async watch(attempt: Attempt, context: RequestContext): Promise<CountedAttempt> {
    const account = await this.accountKey(attempt)
    await this.#bursts.spend('sign_ins', account.key, context)
    return { ...attempt, account, others: await this.keysOfCaller(attempt.clientId, context), context }
  }

  /** Continues a sign-in whose password was correct in an earlier request, for `recordSignIn`. */
  async resume(
    { attempt, ...read }: ReadBySignIn & { attempt: Attempt },
    context: RequestContext,
  ): Promise<VerifiedSignIn> {
    const account = await this.accountKey({ ...attempt, id: read.user.id })
    return { ...read, attempt: { ...attempt, account, others: [], context } }
  }

  /** The keys of the counts of a caller: the client, the address and its networks. */
  async keysOfCaller(clientId: string, context: RequestContext): Promise<FailureKey[]> {
    return [{ kind: 'client', key: clientId }, ...(await this.#placeKeys(context))]
  }

  /** The key of the count of an account: in the database of the user, or in that of a new user with the username. */
  async accountKey({ pool, username, id }: Pick<Attempt, 'pool' | 'username' | 'id'>): Promise<FailureKey> {
    const databases = this.#databases
    const database = id === undefined ? databases.nameForNew({ pool, username }) : databases.nameOf(id)
    return { kind: 'account', key: await this.#names.name('account', pool, username), database }
  }

  /** The key of the count of the second factor of a user. */
  secondFactorKey(id: string): FailureKey {
    return { kind: 'second_factor', key: id, database: this.#databases.nameOf(id) }
  }

  /** The attempt with the count of the account in the database of its user. @param user Null for an unknown username. */
  locate(attempt: CountedAttempt, user: Pick<User, 'id'> | null): CountedAttempt {
    if (user === null) return attempt
    return { ...attempt, account: { ...attempt.account, database: this.#databases.nameOf(user.id) } }
  }

  /** The keys that one transaction counts with the read of the user. The other keys are in another database. */
  keysWithUser({ account, others }: CountedAttempt): FailureKey[] {
    return account.database === HOME ? [account, ...others] : [account]
  }

  /** The names of the further databases of the pool without a count of the attempt. */
  databasesApart({ pool, account }: CountedAttempt): string[] {
    return this.#databases.namesFor(pool).filter((name) => name !== HOME && name !== account.database)
  }

  /** The keys of the address and its networks; empty for a caller without an address. */
  async #placeKeys({ address }: RequestContext): Promise<FailureKey[]> {
    if (address === null) return []
    const networks = networksAround(address).map(async ({ kind, prefix }) => ({
      kind,
      key: await this.#names.name(kind, prefix),
    }))
    return Promise.all([
      this.#names.name('address', address).then((key) => ({ kind: 'address', key }) as const),
      ...networks,
    ])
  }

  /**
   * Refuses a locked address, and each address of a locked network. While the client is locked, the guard refuses each address that
   * has a failure; other addresses can sign in. A caller without an address has none of these counts. The refusal reveals nothing
   * about an account.
   *
   * @throws OAuthError temporarily_unavailable
   */
  requireAdmission(
    counts: readonly FailureCount[],
    { context: { now } }: Pick<CountedAttempt, 'context'>,
  ): void {
    const lockOf = (kind: FailureKind) =>
      counts.find((count) => count.kind === kind && count.lockedUntil > now)
    const hasFailed = counts.some(({ kind }) => kind === 'address')
    const networkLock = lockOf('address') ?? lockOf('site') ?? lockOf('network')
    const lock = networkLock ?? (hasFailed ? lockOf('client') : undefined)
    if (lock) throw tooManyAttempts(`too many failures: ${lock.kind} locked`, lock.lockedUntil - now)
  }

  isAccountLocked(counts: readonly FailureCount[], { context: { now } }: CountedAttempt): boolean {
    return counts.some(({ kind, lockedUntil }) => kind === 'account' && lockedUntil > now)
  }

  /**
   * Whether the account or the address failed recently, or a network around the address failed often. A successful sign-in does not
   * change the result, so the result does not reveal whether the account exists.
   */
  isSuspect(counts: readonly FailureCount[], { context: { now } }: CountedAttempt): boolean {
    const failedSince = now - this.#limits.memorySeconds
    return counts.some(({ kind, failures, locks, failedAt }) => {
      if (kind === 'client' || kind === 'second_factor') return false
      if (kind === 'account' || kind === 'address') return failedAt > failedSince
      return locks > 0 || failures * SUSPECT_PART >= this.#limits[kind].failures
    })
  }

  /** When the account or the address failed last; 0 without a failure. Unix seconds. */
  lastFailureOf(counts: readonly FailureCount[]): number {
    const own = counts.filter(({ kind }) => kind === 'account' || kind === 'address')
    return Math.max(0, ...own.map(({ failedAt }) => failedAt))
  }

  /** Records a failed guess, because other attempts in this isolate may have read the counts before this guess was counted. */
  noteGuess({ account, context: { now } }: CountedAttempt): void {
    this.#guessed.set(account.key, true, now + RECENT_GUESS_SECONDS)
  }

  /**
   * Whether the account had a recent failed sign-in in this isolate. If so, the counts that this attempt has read can be older
   * than a lock.
   */
  hadRecentGuess({ account, context: { now } }: CountedAttempt): boolean {
    return this.#guessed.get(account.key, now) !== null
  }

  /**
   * Counts a failure of the account before the password check, so that parallel guesses cannot exceed the limit. It is for the
   * confirmation of a password. `release` resets the count.
   *
   * @returns false if the limit is reached; the caller must then not check the password
   * @throws StorageUnavailable
   */
  async reserve(attempt: CountedAttempt, subject: string): Promise<boolean> {
    return (await this.#count([attempt.account], attempt, subject)).length > 0
  }

  /** Counts a failure of the address, its networks and the client, such as after `reserve`. @throws StorageUnavailable */
  async countOthers(attempt: CountedAttempt, subject: string | null): Promise<void> {
    await this.#count(attempt.others, attempt, subject)
  }

  /**
   * Counts a failure of each key, in one transaction.
   *
   * @param subject The user of the second factor among the keys; null without one.
   * @returns the counted failures; a locked key has no result
   * @throws StorageUnavailable
   */
  countKeys(keys: readonly FailureKey[], caller: Caller, subject: string | null): Promise<CountedFailure[]> {
    return this.#count(keys, caller, subject)
  }

  /** Statements that count a failure of each key, unless the attempt is right. `noteCounts` reads their rows. */
  counting(keys: readonly FailureKey[], right: RightAttempt, now: number) {
    return keys.map((key) => this.#failures.countingUnless(right, failureOf(key, this.#limits), now))
  }

  /** Continues after the statements of `counting`. @returns false if they counted nothing @throws CorruptRecord */
  noteCounts(
    keys: readonly FailureKey[],
    rows: readonly unknown[][],
    { subject, ...caller }: Caller & { subject: string | null },
  ): boolean {
    const { now } = caller.context
    const counted = keys.flatMap(
      (key, i) => this.#failures.readCounted(failureOf(key, this.#limits), rows[i] ?? [], now) ?? [],
    )
    for (const failure of counted) this.noteCounted(failure, caller, subject)
    return counted.length > 0
  }

  async #count(
    keys: readonly FailureKey[],
    attempt: Caller,
    subject: string | null,
  ): Promise<CountedFailure[]> {
    const { context } = attempt
    const failures = keys.map((key) => failureOf(key, this.#limits))
    const counted = await this.#failures.count(failures, context.now)
    for (const failure of counted) this.noteCounted(failure, attempt, subject)
    return counted
  }

  /** Audits the lock that a counted failure caused, and ends the sessions of suspect sign-ins, after the response. */
  noteCounted(
    { kind, limit, lockedUntil, suspects }: CountedFailure,
    { api, clientId, context }: Caller,
    subject: string | null,
  ): void {
    if (lockedUntil === null) return
    const reason = `${kind}: ${limit} failed sign-ins, locked for ${lockedUntil - context.now} s`
    const isOfUser = kind === 'account' || kind === 'second_factor'
    const ids = { api, clientId, subject: isOfUser ? subject : null, sid: null }
    this.#audit.record({ kind: 'lock', outcome: 'ok', reason, ...ids }, context)
    if (subject !== null && suspects.length > 0) this.#endSuspects(subject, suspects, context)
  }

  #endSuspects(subject: string, signIns: readonly SignInMark[], context: RequestContext): void {
    const reason = 'its account was locked within a minute of the sign-in'
    const suspects = { subject, signIns, reason } as const
    runLater(context, 'end suspect sessions', () => this.#suspects.end(suspects, context))
  }

  /**
   * Records the session of a sign-in after the response. The session ends if guesses locked the account during the sign-in. It
   * also ends if the sign-in read an outdated user record from a replica. A lock of the account within the next minute also ends it.
   */
  recordSignIn({ attempt, ...read }: VerifiedSignIn, signIn: SignInMark): void {
    const { account, context } = attempt
    runLater(context, 'record sign-in', async () => {
      const reason = await this.#failures.mark(account, { ...read, signIn }, context.now)
      if (reason === null) return
      await this.#suspects.end({ subject: read.user.id, signIns: [signIn], reason }, context)
    })
  }

  /** Ends the lock of an account and resets its failures, after the response. For a new or confirmed password. */
  release(account: Pick<Attempt, 'pool' | 'username' | 'id'>, context: RequestContext): void {
    runLater(context, 'release account', async () => this.#failures.release(await this.accountKey(account)))
  }
}
