import * as z from 'zod/mini'
import type { RequestContext } from '../lib/request_context.ts'
import type { CodeAttempt, OneTimeStore } from '../onetime/one_time_store.ts'
import type { OneTimeKind, TriedCode } from '../onetime/one_time_value.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { Failure, FailureKey } from '../users/failure_count.ts'
import type { FailureStore } from '../users/failure_store.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'

/** The lifetime of a code. */
export const CODE_SECONDS = 600

const DIGITS = 6

/** The number of wrong codes of an account or an address. The next one must wait for a day. */
const WRONG_CODES = 30
const DAY_SECONDS = 86_400

/** The caller that requests or tries a code, for the counts and the audit trail. */
export interface CodeCaller {
  pool: string
  api: string
  clientId: string
  /** The id that binds the code to this browser. */
  formId: string
}

/** A requested code. It has the same form for every name, so it does not reveal whether an account exists. */
export const requestedCodeSchema = z.object({
  token: z.string(),
  /** The key of the count of wrong codes. */
  count: z.string(),
  /** The name that the user typed. */
  name: z.string(),
})
export type RequestedCode = z.output<typeof requestedCodeSchema>

/** A code and the browser that sends it. */
export interface CodeTry extends CodeCaller {
  requested: RequestedCode
  code: string
}

/** A code, the browser that sends it, and the count of its failure. */
export interface CountedTry extends CodeCaller {
  token: string
  code: string
  failure: Failure
  /** The user for the audit trail; absent for the user of the code. */
  subject?: string
  /** The end of a lock of the count that the request has read, in Unix seconds; absent or null without one. */
  lockedUntil?: number | null
}

/** The data of every stored code. */
type CodeData = Pick<CodeCaller, 'formId' | 'pool'> & { subject?: string | null }

/** The kind of a stored code, and its data. */
interface CodeFormat<T extends CodeData> {
  kind: Extract<OneTimeKind, 'email_code' | 'second_factor' | 'sign_up'>
  schema: z.ZodMiniType<T>
}

/**
 * A tried code. `data` is null if the code is expired, used, or not tried because of a limit. `lockedUntil` is the end of the lock of
 * the count in Unix seconds; null without a lock.
 */
export type TriedMailedCode<T> =
  | { isRight: true; data: T }
  | { isRight: false; data: T | null; lockedUntil: number | null }

interface Dependencies {
  oneTime: OneTimeStore
  failures: FailureStore
  guard: SignInGuard
  bursts: BurstLimits
}

/** Codes of six digits in mails, and the limits of guesses. */
export class MailedCodes {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /**
   * Spends the budgets of a request for a code.
   *
   * @param key The hash of the typed name, or the id of a user who has proven the password. It must not show whether a name has an account.
   * @throws OAuthError too_many_attempts
   */
  async admitRequest(key: string, context: RequestContext): Promise<void> {
    await this.#parts.bursts.spend('sign_ins', key, context)
    await this.#parts.bursts.spend('guesses', 'requests for email codes', context)
  }

  /** Stores a new code. @throws StorageUnavailable */
  async store(
    kind: CodeFormat<CodeData>['kind'],
    data: CodeData,
    now: number,
  ): Promise<{ token: string; code: string }> {
    const code = generateCode()
    const value = { kind, data, code, lifetimeSeconds: CODE_SECONDS }
    return { token: await this.#parts.oneTime.create(value, now), code }
  }

  /** Spends the budgets of a try. @param key That of the request for the code. @throws OAuthError too_many_attempts */
  async admitTry(key: string, context: RequestContext): Promise<void> {
    await this.#parts.bursts.spend('sign_ins', key, context)
    await this.#parts.bursts.spend('guesses', 'tries of email codes', context)
  }

  /**
   * Tries a code. The transaction of the try counts a wrong code first, also for the caller, so parallel guesses cannot exceed a limit.
   * A right code keeps its count until `release`.
   *
   * @param isPossible Whether a code with this data can be right.
   * @throws StorageUnavailable, CorruptRecord
   */
  async try<T extends CodeData>(
    attempt: CountedTry,
    { kind, schema, isPossible }: CodeFormat<T> & { isPossible(data: T): boolean },
    context: RequestContext,
  ): Promise<TriedMailedCode<T>> {
    const { oneTime, failures, guard } = this.#parts
    const { token, failure, formId, pool, clientId } = attempt
    const code = parseCode(attempt.code)
    if (code === null) return { isRight: false, data: null, lockedUntil: null }
    const keys = await guard.keysOfCaller(clientId, context)
    const counting: CodeAttempt['counting'] = (isRight) => ({
      wrong: guard.counting(keys, { isRight, lock: failure }, context.now),
      tried: failures.counting(failure, context.now),
    })
    const tried = await oneTime.tryCode({ kind, token, code, counting }, schema, context.now)
    const data = tried.outcome === 'gone' ? null : tried.data
    const isHere = data?.formId === formId && data.pool === pool
    if (tried.outcome === 'right' && isHere && isPossible(tried.data))
      return { isRight: true, data: tried.data }
    return { isRight: false, data, lockedUntil: await this.#count(attempt, { tried, keys }, context) }
  }

  /** Continues after the counts of a wrong code. @returns the end of the lock of the count of the code, or null */
  async #count(
    { failure, clientId, api, ...attempt }: CountedTry,
    { tried, keys }: { tried: TriedCode<CodeData>; keys: readonly FailureKey[] },
    context: RequestContext,
  ): Promise<number | null> {
    const { failures, guard } = this.#parts
    const { now } = context
    const caller = { clientId, api, context }
    const { tried: rows = [], wrong = [] } = tried.counted ?? {}
    const counted = failures.readCounted(failure, rows, now)
    const owner = tried.outcome === 'gone' ? null : (tried.data.subject ?? null)
    if (counted !== null) guard.noteCounted(counted, caller, attempt.subject ?? owner)
    const isCounted = guard.noteCounts(keys, wrong, { ...caller, subject: null })
    // The code was right, but is no code for this browser or user.
    if (!isCounted) await guard.countKeys(keys, caller, null)
    if (counted !== null) return counted.lockedUntil
    return attempt.lockedUntil ?? (await failures.find(failure, now))?.lockedUntil ?? null
  }

  /** Resets the count of wrong codes, after the response. */
  release(key: FailureKey, context: RequestContext): void {
    this.#parts.failures.releaseLater(key, context)
  }
}

/** Six random digits. A bias is impossible: a number above the largest multiple of a million is drawn again. */
function generateCode(): string {
  const codes = 10 ** DIGITS
  const limit = Math.floor(2 ** 32 / codes) * codes
  for (;;) {
    const [number = limit] = crypto.getRandomValues(new Uint32Array(1))
    if (number < limit) return String(number % codes).padStart(DIGITS, '0')
  }
}

/** Removes the spaces that a user pasted; null if the text is not a code. */
function parseCode(text: string): string | null {
  const code = text.replace(/\s/g, '')
  return /^\d{6}$/.test(code) ? code : null
}

/** A try, with the count of wrong codes of its account or address. */
export function countedTryOf({ requested, ...attempt }: CodeTry): CountedTry {
  return { ...attempt, token: requested.token, failure: failureOf(requested.count) }
}

/** A wrong code. The count has the kind of second factors, and its own key and limit. */
function failureOf(key: string): Failure {
  const limits = { failures: WRONG_CODES, lockSeconds: DAY_SECONDS, longestLockSeconds: DAY_SECONDS }
  return { kind: 'second_factor', key, limits, memorySeconds: DAY_SECONDS }
}
