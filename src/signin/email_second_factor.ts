import * as z from 'zod/mini'
import type { Config } from '../config/config.ts'
import type { FactorStore } from '../factors/factor_store.ts'
import { type FactorRead, type FactorResult, readForCheck } from '../factors/verify_second_factor.ts'
import type { Language } from '../lib/language.ts'
import { type RequestContext, runLater, runToEnd } from '../lib/request_context.ts'
import type { Mailer } from '../mail/mailer.ts'
import { type Failure, failureOf } from '../users/failure_count.ts'
import type { FailureStore } from '../users/failure_store.ts'
import { mailLanguageOf } from '../users/mail_language.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import type { UserAdminStore } from '../users/user_admin_store.ts'
import type { KnownDevice } from './email_codes.ts'
import { CODE_SECONDS, type CodeCaller, type MailedCodes } from './mailed_codes.ts'
import { secondFactorOf } from './second_factor.ts'

/** A user who has proven the password, and needs a code. */
export interface SecondFactorRequest extends Omit<CodeCaller, 'clientId'> {
  user: User
  /** Null if the browser has signed no user in. */
  device: KnownDevice | null
  /** The language of the request. */
  language: Language
}

/** A code, and the browser that sends it. */
export interface SecondFactorTry extends CodeCaller {
  subject: string
  /** The token of the code; null if no code was sent. */
  token: string | null
  code: string
  /** The record that the request has read already, at the same time as other records. Absent or null without one. */
  read?: FactorRead | null
  /** @returns false if the sign-in had been used before. Absent for a sign-in that may be used again. */
  spend?(): Promise<boolean>
}

/** The data of a stored code. */
const codeSchema = z.object({
  subject: z.string(),
  address: z.string(),
  formId: z.string(),
  pool: z.string(),
})

/** The methods of a code after a password (RFC 8176 §2). */
const AMR = ['otp', 'mfa'] as const

interface Dependencies {
  codes: MailedCodes
  factors: FactorStore
  failures: FailureStore
  guard: SignInGuard
  mailer: Mailer
  userAdmin: Pick<UserAdminStore, 'find'>
  config: Pick<Config, 'accounts' | 'signInLimits'>
}

/**
 * Codes by mail as the second factor, after a password. A wrong code counts as a wrong second factor of the account. The mails use
 * the budgets of codes by mail. `send` waits for one call to D1, and `verify` for two.
 */
export class EmailSecondFactor {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /**
   * Stores a code, and sends it after the response.
   *
   * @returns the token of the code, for `verify`
   * @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable
   */
  async send(request: SecondFactorRequest, context: RequestContext): Promise<string> {
    const { codes } = this.#parts
    const { user, formId, pool } = request
    const { id: subject, verifiedEmail: address } = user
    if (address === null) throw new Error('a user without a verified address gets no code')
    await codes.admitRequest(subject, context)
    const data: z.output<typeof codeSchema> = { subject, address, formId, pool }
    const { token, code } = await codes.store('second_factor', data, context.now)
    runLater(context, 'code of a second factor', () => this.#mail({ ...request, address, code }, context))
    return token
  }

  /** Sends the mail, unless the second factor of the user is locked. */
  async #mail(
    {
      user,
      address,
      code,
      device,
      ...request
    }: Pick<SecondFactorRequest, 'user' | 'device' | 'language' | 'pool' | 'api'> & {
      address: string
      code: string
    },
    context: RequestContext,
  ): Promise<void> {
    const { mailer, failures, userAdmin } = this.#parts
    const { pool, api, language } = request
    const [failure, record] = await Promise.all([
      failures.find(this.#failureOf(user.id), context.now),
      userAdmin.find(user.id),
    ])
    const lockedUntil = failure?.lockedUntil ?? 0
    const recipient = { to: address, language: mailLanguageOf(record?.profile ?? {}, language), pool, api }
    const mail = {
      ...recipient,
      kind: 'email_code',
      isAfterPassword: true,
      code,
      lifetimeSeconds: CODE_SECONDS,
    } as const
    const spender = device?.subjects.includes(user.id) ? { device: device.id } : {}
    mailer.send(lockedUntil > context.now ? { kind: 'nothing', to: address, pool } : mail, context, spender)
  }

  /**
   * Tries a code. The transaction of the try counts a wrong code first, so parallel guesses cannot exceed a limit.
   *
   * @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable, CorruptRecord
   */
  async verify(attempt: SecondFactorTry, context: RequestContext): Promise<FactorResult> {
    const { token, subject } = attempt
    await this.#parts.codes.admitTry(subject, context)
    return token === null
      ? { kind: 'wrong' }
      : runToEnd(context, this.#finish({ ...attempt, token, failure: this.#failureOf(subject) }, context))
  }

  async #finish(
    attempt: SecondFactorTry & { token: string; failure: Failure },
    context: RequestContext,
  ): Promise<FactorResult> {
    const { codes, factors, guard, config } = this.#parts
    const { subject, clientId, failure } = attempt
    const isPossible = (data: z.output<typeof codeSchema>) => data.subject === subject
    const format = { kind: 'second_factor', schema: codeSchema, isPossible } as const
    const read = attempt.read?.record.failures.find(({ kind }) => kind === 'second_factor')
    const lockedUntil = read !== undefined && read.lockedUntil > context.now ? read.lockedUntil : null
    const tried = await codes.try({ ...attempt, lockedUntil }, format, context)
    if (!tried.isRight) return refuse(tried.lockedUntil, context.now)
    const check = { subject, given: null, clientId }
    const [{ record }, isFirst] = await Promise.all([
      attempt.read ?? readForCheck(check, { guard, factors }, context),
      attempt.spend?.() ?? true,
    ])
    if (!isFirst) return { kind: 'spent' }
    guard.requireAdmission(record.failures, { context })
    const { user } = record
    const isUsable = user?.enabled && secondFactorOf(user, config).isByEmail
    if (!isUsable || user.verifiedEmail !== tried.data.address) return { kind: 'wrong' }
    codes.release(failure, context)
    return { kind: 'proven', user, amr: AMR }
  }

  /** A wrong second factor of a user. */
  #failureOf(key: string): Failure {
    return failureOf({ kind: 'second_factor', key }, this.#parts.config.signInLimits)
  }
}

function refuse(lockedUntil: number | null, now: number): FactorResult {
  return lockedUntil === null || lockedUntil <= now
    ? { kind: 'wrong' }
    : { kind: 'locked', retryAfterSeconds: lockedUntil - now }
}
