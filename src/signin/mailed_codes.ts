import * as z from 'zod/mini'
import type { RequestContext } from '../lib/request_context.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import type { OneTimeKind } from '../onetime/one_time_value.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { Failure } from '../users/failure_count.ts'
import { decodeCounted, type FailureStore } from '../users/failure_store.ts'
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

/** The data of every stored code. */
type CodeData = Pick<CodeCaller, 'formId' | 'pool'>

/** The kind of a stored code, and its data. */
interface CodeFormat<T extends CodeData> {
  kind: Extract<OneTimeKind, 'email_code' | 'sign_up'>
  schema: z.ZodMiniType<T>
  /** The user of a code, for the audit trail; null without one. */
  subjectOf(data: T): string | null
}

/** A tried code. `data` is null if the code is expired, used, or not tried because of a limit. */
export type TriedMailedCode<T> = { isRight: true; data: T } | { isRight: false; data: T | null }

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

  /** Spends the budgets of a request for a code. @param key The hash of the typed name. @throws OAuthError too_many_attempts */
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

  /** Spends the budgets of a try. @throws OAuthError too_many_attempts */
  async admitTry({ requested }: CodeTry, context: RequestContext): Promise<void> {
    await this.#parts.bursts.spend('sign_ins', requested.count, context)
    await this.#parts.bursts.spend('guesses', 'tries of email codes', context)
  }

  /**
   * Tries a code. The transaction of the try counts a wrong code first, so parallel guesses cannot exceed a limit. A right code
   * keeps its count until `release`. The wrong code that reaches the limit writes the audit event of the lock.
   *
   * @param isPossible Whether a code with this data can be right.
   * @throws StorageUnavailable, CorruptRecord
   */
  async try<T extends CodeData>(
    attempt: CodeTry,
    { kind, schema, subjectOf, isPossible }: CodeFormat<T> & { isPossible(data: T): boolean },
    context: RequestContext,
  ): Promise<TriedMailedCode<T>> {
    const { oneTime, failures, guard } = this.#parts
    const { requested, clientId, api, formId, pool } = attempt
    const code = parseCode(attempt.code)
    if (code === null) return { isRight: false, data: null }
    const counting = failures.counting(failureOf(requested.count), context.now)
    const tried = await oneTime.tryCode({ kind, token: requested.token, code, counting }, schema, context.now)
    const data = tried.outcome === 'gone' ? null : tried.data
    const isHere = data?.formId === formId && data.pool === pool
    if (tried.outcome === 'right' && isHere && isPossible(tried.data))
      return { isRight: true, data: tried.data }
    const caller = { clientId, api, context }
    const [counted] = decodeCounted(tried.counted ?? [], context.now)
    if (counted?.lockedUntil) {
      const subject = data === null ? null : subjectOf(data)
      guard.auditLock({ of: 'email code', failures: WRONG_CODES, seconds: DAY_SECONDS, subject }, caller)
    }
    const keys = await guard.keysOfCaller(clientId, context)
    await guard.countKeys(keys, caller, null)
    return { isRight: false, data }
  }

  /** Resets the count of wrong codes. @throws StorageUnavailable */
  async release({ count }: RequestedCode): Promise<void> {
    await this.#parts.failures.release(failureOf(count))
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

/** A wrong code. The count has the kind of second factors, and its own key and limit. */
function failureOf(key: string): Failure {
  const limits = { failures: WRONG_CODES, lockSeconds: DAY_SECONDS, longestLockSeconds: DAY_SECONDS }
  return { kind: 'second_factor', key, limits, memorySeconds: DAY_SECONDS }
}
