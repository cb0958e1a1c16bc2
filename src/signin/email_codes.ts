import { isEmail, normalizeEmail } from '@sallyport/formats/email'
import { normalizeUsername } from '@sallyport/formats/username'
import * as z from 'zod/mini'
import type { FactorStore } from '../factors/factor_store.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { Language } from '../lib/language.ts'
import { type RequestContext, runLater, runToEnd } from '../lib/request_context.ts'
import type { Mailer } from '../mail/mailer.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { Failure } from '../users/failure_count.ts'
import type { FailureStore } from '../users/failure_store.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import { issueTimeOf, type StoredUser } from '../users/user.ts'
import type { TypedName, UserStore } from '../users/user_store.ts'
import { isUsableBy } from './browser_session.ts'

/** The lifetime of a code. */
const CODE_SECONDS = 600

const DIGITS = 6

/** The number of wrong codes of an account, or of a browser that signed in to it before. The next one must wait for a day. */
const WRONG_CODES = 30
const DAY_SECONDS = 86_400

/** A browser that signed in before, and the users who did. */
export interface KnownDevice {
  id: string
  subjects: readonly string[]
}

/** Who requests or tries a code, for the counts and the audit trail. */
interface Caller {
  pool: string
  api: string
  clientId: string
  /** The id that binds the code to this browser. */
  formId: string
}

export interface CodeRequest extends Caller {
  name: TypedName
  /** Null if the browser has signed no user in. */
  device: KnownDevice | null
  /** The language of the mail. */
  language: Language
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
export interface CodeTry extends Caller {
  requested: RequestedCode
  code: string
}

export type CodeResult =
  /** The user is the record at the primary after the code was used. */
  | { kind: 'proven'; user: StoredUser }
  /** A code that is wrong, expired or used, or not tried because of a limit. The subject is for the audit trail only. */
  | { kind: 'wrong'; subject: string | null }

/** The data of a stored code. Without an account, subject and address are null and no code is right. */
const codeSchema = z.object({
  subject: z.nullable(z.string()),
  address: z.nullable(z.string()),
  formId: z.string(),
  pool: z.string(),
  /** Unix seconds. A sign-out after this time ends the code. */
  requestedAt: z.int(),
})

interface Dependencies {
  oneTime: OneTimeStore
  users: UserStore
  factors: FactorStore
  failures: FailureStore
  guard: SignInGuard
  bursts: BurstLimits
  mailer: Mailer
  names: KeyedHash
}

/** Signs users in by codes that they get by mail. Each method waits for two calls to D1. */
export class EmailCodes {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /**
   * Stores a code, and sends it after the response if the name has an account with a verified address. Every name costs the same
   * calls and rows.
   *
   * @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable, CorruptRecord
   */
  async request(request: CodeRequest, context: RequestContext): Promise<RequestedCode> {
    const { guard, bursts, users, oneTime, names } = this.#parts
    const { pool, clientId, name, formId } = request
    const { now } = context
    const typed = name.email ?? name.username ?? ''
    await bursts.spend('sign_ins', await names.name(pool, 'name', typed), context)
    await bursts.spend('guesses', 'requests for email codes', context)
    const keys = await guard.keysOfCaller(clientId, context)
    const { user, failures } = await users.findByName({ pool, name, keys, now })
    guard.requireAdmission(failures, { context })
    const address = user?.verifiedEmail ?? null
    const device = request.device?.subjects.includes(user?.id ?? '') ? request.device.id : null
    const code = generateCode()
    const data: z.output<typeof codeSchema> = {
      subject: address === null || user === null ? null : user.id,
      ...{ address, formId, pool },
      requestedAt: user === null ? now : issueTimeOf(user, now),
    }
    const value = { kind: 'email_code', data, code, lifetimeSeconds: CODE_SECONDS } as const
    const token = await oneTime.create(value, now)
    runLater(context, 'email code', () =>
      this.#send({ request, user, address, device, code, typed }, context),
    )
    const owner = user === null ? ['name', typed] : ['account', user.id, ...(device === null ? [] : [device])]
    return { token, count: await names.name(pool, ...owner), name: typed }
  }

  /** Sends the code. A user who is disabled or locked gets none; a lock does not concern a browser of the user. */
  async #send(
    {
      request: { pool, api, language },
      ...sending
    }: {
      request: CodeRequest
      user: StoredUser | null
      address: string | null
      device: string | null
      code: string
      typed: string
    },
    context: RequestContext,
  ): Promise<void> {
    const { mailer, guard, failures } = this.#parts
    const { user, address, device, code, typed } = sending
    const account = await guard.accountKey({ pool, username: user?.username ?? typed })
    const lockedUntil = (await failures.find(account, context.now))?.lockedUntil ?? 0
    const isAllowed = user?.enabled && (device !== null || lockedUntil <= context.now)
    if (!isAllowed || address === null) return mailer.send({ kind: 'nothing', to: typed, pool }, context)
    const mail = { kind: 'email_code', to: address, language, pool, api, code } as const
    const spender = device === null ? {} : { device }
    mailer.send({ ...mail, lifetimeSeconds: CODE_SECONDS }, context, spender)
  }

  /**
   * Tries a code. The transaction of the try counts a wrong code first, so parallel guesses cannot exceed a limit.
   *
   * @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable, CorruptRecord
   */
  async verify(attempt: CodeTry, context: RequestContext): Promise<CodeResult> {
    const { bursts } = this.#parts
    const { count } = attempt.requested
    const code = parseCode(attempt.code)
    await bursts.spend('sign_ins', count, context)
    await bursts.spend('guesses', 'tries of email codes', context)
    if (code === null) return { kind: 'wrong', subject: null }
    return runToEnd(context, this.#finish({ ...attempt, code }, context))
  }

  async #finish(attempt: CodeTry, context: RequestContext): Promise<CodeResult> {
    const { oneTime, failures, factors, guard } = this.#parts
    const { requested, code, clientId, api, formId, pool } = attempt
    const { now } = context
    const counting = failures.counting(failureOf(requested.count), now)
    const reference = { kind: 'email_code', token: requested.token, code, counting } as const
    const tried = await oneTime.tryCode(reference, codeSchema, now)
    const keys = await guard.keysOfCaller(clientId, context)
    const subject = tried.outcome === 'gone' ? null : tried.data.subject
    const isHere = tried.outcome !== 'gone' && tried.data.formId === formId && tried.data.pool === pool
    if (tried.outcome !== 'right' || subject === null || !isHere) {
      await guard.countKeys(keys, { clientId, api, context }, null)
      return { kind: 'wrong', subject }
    }
    const { user, failures: counts } = await factors.findForCheck({ subject, codeHash: null }, keys, now)
    guard.requireAdmission(counts, { context })
    const { address, requestedAt } = tried.data
    const isUsable = isUsableBy({ authTime: requestedAt, subject }, user, pool)
    if (user === null || !isUsable || user.verifiedEmail !== address) return { kind: 'wrong', subject }
    runLater(context, 'release email code', () => failures.release(failureOf(requested.count)))
    return { kind: 'proven', user }
  }
}

/** Reads a typed name. @returns null if the text can be neither a username nor an address */
export function readTypedName(text: string): TypedName | null {
  const username = normalizeUsername(text)
  const address = normalizeEmail(text.trim())
  const email = isEmail(address) ? address : null
  return username === null && email === null ? null : { username, email }
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

/** A wrong code of an account. The count has the kind of second factors, and its own key and limit. */
function failureOf(key: string): Failure {
  const limits = { failures: WRONG_CODES, lockSeconds: DAY_SECONDS, longestLockSeconds: DAY_SECONDS }
  return { kind: 'second_factor', key, limits, memorySeconds: DAY_SECONDS }
}
