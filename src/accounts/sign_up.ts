import { isEmail, normalizeEmail } from '@sallyport/formats/email'
import { normalizeUsername } from '@sallyport/formats/username'
import * as z from 'zod/mini'
import type { AuditStore } from '../audit/audit_store.ts'
import { accountPathOf } from '../config/account_path.ts'
import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { Language } from '../lib/language.ts'
import { type RequestContext, runLater, runToEnd } from '../lib/request_context.ts'
import { ConstraintFailed } from '../lib/storage_error.ts'
import type { Mailer } from '../mail/mailer.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import { generateToken } from '../onetime/one_time_value.ts'
import {
  CODE_SECONDS,
  type CodeCaller,
  type CodeTry,
  countedTryOf,
  type MailedCodes,
  type RequestedCode,
} from '../signin/mailed_codes.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { BreachedPasswords } from '../users/breaches/breached_passwords.ts'
import type { CommonPasswords } from '../users/common_passwords.ts'
import { createUser } from '../users/create_user.ts'
import { mailLanguageOfUser } from '../users/mail_language.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import { PROFILE_FIELDS, type Profile } from '../users/profile.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { StoredUser, UnstoredUser, User } from '../users/user.ts'
import type { UserAdminStore } from '../users/user_admin_store.ts'
import type { TypedName, UserStore } from '../users/user_store.ts'

/** The time between the code and the password. */
const PROOF_SECONDS = 1800

export interface AddressRequest extends CodeCaller {
  /** An address that `readNewAddress` returned. */
  address: string
  /** The language of the request. */
  language: Language
}

/** The proof that a visitor has read the mail to an address. The caller keeps it sealed. It creates one account. */
export const provenAddressSchema = z.object({
  /** A token that is spent in the transaction of the account. No row exists before. */
  token: z.string(),
  pool: z.string(),
  address: z.string(),
  /** Unix seconds. */
  expiresAt: z.int(),
})
export type ProvenAddress = z.output<typeof provenAddressSchema>

export type AddressResult =
  | { kind: 'proven'; address: ProvenAddress }
  /** A code that is wrong, expired or used, not tried because of a limit, or of a taken address. */
  | { kind: 'wrong' }

export interface NewAccount extends Pick<CodeCaller, 'pool' | 'api' | 'clientId'> {
  address: ProvenAddress
  password: string
  /** A name that `readName` returned; null without a name. */
  name: string | null
  /** The language of the pages, for later mails. */
  language: Language
}

export type AccountResult =
  | { kind: 'created'; user: User }
  /** Another user has the address since the code was requested. The owner of the address gets a mail. */
  | { kind: 'taken' }
  /** The proof has expired. */
  | { kind: 'expired' }

/** The data of a stored code. No code of a taken address is right. */
const codeSchema = z.object({
  address: z.string(),
  isFree: z.boolean(),
  formId: z.string(),
  pool: z.string(),
})

interface Dependencies {
  codes: MailedCodes
  oneTime: OneTimeStore
  users: UserStore
  userAdmin: UserAdminStore
  passwords: Pick<PasswordHasher, 'hash'>
  commonPasswords: Pick<CommonPasswords, 'has'>
  breaches: Pick<BreachedPasswords, 'find'>
  guard: SignInGuard
  bursts: BurstLimits
  mailer: Mailer
  audit: AuditStore
  names: KeyedHash
  config: Config
}

/**
 * Creates accounts of visitors: an address, a code by mail, then a password. No row of a user exists before the visitor has proven
 * the address, so a stranger cannot prepare an account for the owner of the address.
 */
export class SignUps {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /** Whether visitors can create accounts in the pool. */
  isOpen(pool: string): boolean {
    return accountsOf(pool, this.#parts.config).signUp
  }

  /**
   * Stores a code, and sends it after the response. The owner of a taken address gets another mail. Every address costs the same
   * calls, rows and budgets.
   *
   * @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable, CorruptRecord
   */
  async request(request: AddressRequest, context: RequestContext): Promise<RequestedCode> {
    const { guard, codes, users } = this.#parts
    const { pool, clientId, address, formId, api, language } = request
    const { now } = context
    const count = await this.#keyOf(request)
    await codes.admitRequest(count, context)
    const keys = await guard.keysOfCaller(clientId, context)
    const { user, failures } = await users.findByName({ pool, name: bothNames(address), keys, now })
    guard.requireAdmission(failures, { context })
    const isFree = user === null
    const data: z.output<typeof codeSchema> = { address, isFree, formId, pool }
    const { token, code } = await codes.store('sign_up', data, now)
    const recipient = { to: address, language, pool, api }
    if (user === null) {
      const mail = { kind: 'verify_sign_up', code, lifetimeSeconds: CODE_SECONDS } as const
      this.#parts.mailer.send({ ...recipient, ...mail }, context)
    } else this.#mailOwner(async () => user, recipient, context)
    return { token, count, name: address }
  }

  /** Tries a code. @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable, CorruptRecord */
  async verify(attempt: CodeTry, context: RequestContext): Promise<AddressResult> {
    await this.#parts.codes.admitTry(attempt.requested.count, context)
    return runToEnd(context, this.#verify(attempt, context))
  }

  async #verify(attempt: CodeTry, context: RequestContext): Promise<AddressResult> {
    const { codes } = this.#parts
    const format = { kind: 'sign_up', schema: codeSchema, isPossible } as const
    const counted = countedTryOf(attempt)
    const { isRight, data } = await codes.try(counted, format, context)
    if (!isRight) return { kind: 'wrong' }
    codes.release(counted.failure, context)
    const { pool, address } = data
    const expiresAt = context.now + PROOF_SECONDS
    return { kind: 'proven', address: { token: generateToken(), pool, address, expiresAt } }
  }

  /**
   * Hashes the password and creates the account, in one transaction with the use of the proof.
   *
   * @throws PasswordRefused; OAuthError too_many_attempts, temporarily_unavailable; StorageUnavailable
   */
  async create(account: NewAccount, context: RequestContext): Promise<AccountResult> {
    const { pool, address } = account
    if (address.pool !== pool || address.expiresAt <= context.now) return { kind: 'expired' }
    const key = await this.#keyOf({ pool, address: address.address })
    await this.#parts.bursts.spend('sign_ins', key, context)
    return runToEnd(context, this.#create(account, context))
  }

  async #create(account: NewAccount, context: RequestContext): Promise<AccountResult> {
    const { pool, api, clientId, password, name, language, address: proven } = account
    const { address } = proven
    const draft = { pool, username: address, password, roles: [], enabled: true }
    const setting = { occasion: { api, clientId, subject: null }, context }
    const user = await createUser(draft, this.#parts, setting)
    const texts = { email: address, locale: language, ...(name !== null && { name }) }
    const added = { ...user, profile: { ...texts, email_verified: true } }
    if (await this.#add(added, account, context))
      return { kind: 'created', user: { ...user, verifiedEmail: address } }
    const query = { pool, name: bothNames(address), keys: [], now: context.now }
    const findOwner = async () => (await this.#parts.users.findByName(query)).user
    this.#mailOwner(findOwner, { to: address, language, pool, api }, context)
    return { kind: 'taken' }
  }

  /** @returns false if the proof is used, or if the username or the address belongs to another user */
  async #add(
    user: UnstoredUser & { profile: Profile },
    { api, clientId, address: { token, expiresAt } }: NewAccount,
    context: RequestContext,
  ): Promise<boolean> {
    const { audit, userAdmin, oneTime } = this.#parts
    const who = { api, clientId, subject: user.id, sid: null }
    const event = { kind: 'sign_up', outcome: 'ok', reason: 'sign-up by email', ...who } as const
    const spending = await oneTime.spending({ kind: 'sign_up', token }, expiresAt, context.now)
    try {
      const alongside = [audit.additionIfChanged(event, context)]
      return (await userAdmin.add([user], alongside, spending.statement)).has(user.id)
    } catch (error) {
      if (error instanceof ConstraintFailed) return false
      throw error
    }
  }

  /**
   * Sends the owner of an address a mail after the response: the address has an account.
   *
   * @param recipient `language` is that of the request.
   */
  #mailOwner(
    findOwner: () => Promise<StoredUser | null>,
    recipient: { to: string; language: Language; pool: string; api: string },
    context: RequestContext,
  ): void {
    const { mailer, config } = this.#parts
    const { pool } = recipient
    const link = accountsOf(pool, config).selfService ? config.issuer + accountPathOf(pool) : null
    runLater(context, 'mail to the owner of an address', async () => {
      const owner = await findOwner()
      const language = owner === null ? recipient.language : mailLanguageOfUser(owner, recipient.language)
      mailer.send({ ...recipient, language, kind: 'address_has_account', link }, context)
    })
  }

  #keyOf({ pool, address }: Pick<AddressRequest, 'pool' | 'address'>): Promise<string> {
    return this.#parts.names.name(pool, 'address', address)
  }
}

/** The name of an account that has the address as its username or as its verified address. */
function bothNames(address: string): TypedName {
  return { username: address, email: address }
}

function isPossible({ isFree }: z.output<typeof codeSchema>): boolean {
  return isFree
}

/**
 * Reads the address of a new account. The username of the account is the address. An address that is not its own username, such as
 * one with full-width letters, would become the username of another address, so it is refused.
 *
 * @returns null if the text is no address for an account
 */
export function readNewAddress(text: string): string | null {
  const address = normalizeEmail(text.trim())
  return isEmail(address) && normalizeUsername(address) === address ? address : null
}

export const MAX_NAME_CHARACTERS = PROFILE_FIELDS.name.maxlength

/** Reads the optional name of a new account. @returns null without a name; undefined if the text is no name */
export function readName(text: string): string | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return null
  const { success, data } = PROFILE_FIELDS.name.input.safeParse(trimmed)
  return success ? data : undefined
}
