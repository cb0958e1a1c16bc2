import { isEmail, normalizeEmail } from '@sallyport/formats/email'
import { normalizeUsername } from '@sallyport/formats/username'
import * as z from 'zod/mini'
import type { FactorStore } from '../factors/factor_store.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { Language } from '../lib/language.ts'
import { type RequestContext, runLater, runToEnd } from '../lib/request_context.ts'
import type { Mailer } from '../mail/mailer.ts'
import type { FailureStore } from '../users/failure_store.ts'
import { mailLanguageOfUser } from '../users/mail_language.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import { issueTimeOf, type StoredUser } from '../users/user.ts'
import type { TypedName, UserStore } from '../users/user_store.ts'
import { isUsableBy } from './browser_session.ts'
import {
  CODE_SECONDS,
  type CodeCaller,
  type CodeTry,
  countedTryOf,
  type MailedCodes,
  type RequestedCode,
} from './mailed_codes.ts'

/** A browser that signed in before, and the users who did. */
export interface KnownDevice {
  id: string
  subjects: readonly string[]
}

export interface CodeRequest extends CodeCaller {
  name: TypedName
  /** Null if the browser has signed no user in. */
  device: KnownDevice | null
  /** The language of the request. */
  language: Language
}

/** A try, and the use of the sign-in in which a right code was sent. */
interface EmailCodeTry extends CodeTry {
  /** @returns false if the sign-in had been used before. Absent for a sign-in that may be used again. */
  spend?(): Promise<boolean>
}

export type CodeResult =
  /** The user is the record at the primary after the code was used. */
  | { kind: 'proven'; user: StoredUser }
  /** A code that is wrong, expired or used, or not tried because of a limit. The subject is for the audit trail only. */
  | { kind: 'wrong'; subject: string | null }
  /** The code was right, and the sign-in had been used before. */
  | { kind: 'spent'; subject: string }

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
  codes: MailedCodes
  users: UserStore
  factors: FactorStore
  failures: FailureStore
  guard: SignInGuard
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
    const { guard, codes, users, names } = this.#parts
    const { pool, clientId, name, formId } = request
    const { now } = context
    const typed = name.email ?? name.username ?? ''
    await codes.admitRequest(await names.name(pool, 'name', typed), context)
    const keys = await guard.keysOfCaller(clientId, context)
    const { user, failures } = await users.findByName({ pool, name, keys, now })
    guard.requireAdmission(failures, { context })
    const address = user?.verifiedEmail ?? null
    const device = request.device?.subjects.includes(user?.id ?? '') ? request.device.id : null
    const data: z.output<typeof codeSchema> = {
      subject: address === null || user === null ? null : user.id,
      address,
      formId,
      pool,
      requestedAt: user === null ? now : issueTimeOf(user, now),
    }
    const { token, code } = await codes.store('email_code', data, now)
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
    const mail = {
      kind: 'email_code',
      isAfterPassword: false,
      to: address,
      language: mailLanguageOfUser(user, language),
      pool,
      api,
      code,
    } as const
    const spender = device === null ? {} : { device }
    mailer.send({ ...mail, lifetimeSeconds: CODE_SECONDS }, context, spender)
  }

  /**
   * Tries a code. The transaction of the try counts a wrong code first, so parallel guesses cannot exceed a limit.
   *
   * @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable, CorruptRecord
   */
  async verify(attempt: EmailCodeTry, context: RequestContext): Promise<CodeResult> {
    const { codes, names } = this.#parts
    // Requests of codes spend the same budget by the typed name. By the id of the account, it would show which names have an account.
    await codes.admitTry(await names.name(attempt.pool, 'name', attempt.requested.name), context)
    return runToEnd(context, this.#finish(attempt, context))
  }

  async #finish(attempt: EmailCodeTry, context: RequestContext): Promise<CodeResult> {
    const { codes, factors, guard } = this.#parts
    const { clientId, pool } = attempt
    const counted = countedTryOf(attempt)
    const format = { kind: 'email_code', schema: codeSchema, isPossible: hasSubject } as const
    const { isRight, data } = await codes.try(counted, format, context)
    const subject = data?.subject ?? null
    if (!isRight || subject === null) return { kind: 'wrong', subject }
    const keys = await guard.keysOfCaller(clientId, context)
    const check = { subject, codeHash: null }
    const [{ user, failures: counts }, isFirst] = await Promise.all([
      factors.findForCheck(check, keys, context.now),
      attempt.spend?.() ?? true,
    ])
    if (!isFirst) return { kind: 'spent', subject }
    guard.requireAdmission(counts, { context })
    const { address, requestedAt } = data
    const isUsable = isUsableBy({ authTime: requestedAt, subject }, user, pool)
    if (user === null || !isUsable || user.verifiedEmail !== address) return { kind: 'wrong', subject }
    codes.release(counted.failure, context)
    return { kind: 'proven', user }
  }
}

function hasSubject({ subject }: z.output<typeof codeSchema>): boolean {
  return subject !== null
}

/** Reads a typed name. @returns null if the text can be neither a username nor an address */
export function readTypedName(text: string): TypedName | null {
  const username = normalizeUsername(text)
  const address = normalizeEmail(text.trim())
  const email = isEmail(address) ? address : null
  return username === null && email === null ? null : { username, email }
}
