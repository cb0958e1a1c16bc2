import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { Language } from '../lib/language.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import type { Mail } from '../mail/mail.ts'
import type { Mailer } from '../mail/mailer.ts'
import type { KnownDevice } from '../signin/email_codes.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { mailLanguageOf } from '../users/mail_language.ts'
import { decodeProfile, type Profile } from '../users/profile.ts'
import type { User } from '../users/user.ts'
import type { TypedName, UserStore } from '../users/user_store.ts'
import type { AccountLinks } from './account_links.ts'
import { type PasswordLinkKind, passwordLinkDataOf, RESET_PASSWORD, verifiedAddressOf } from './link_kinds.ts'

/** The request of a user who forgot the password. */
export interface ForgottenPassword {
  pool: string
  /** The API whose looks the mail has. */
  api: string
  name: TypedName
  /** The language of the page. */
  language: Language
  /** Null if the browser has signed no user in. */
  device: KnownDevice | null
}

/** The recipient of a link. */
interface Recipient {
  user: User & { profile: Profile }
  to: string
  /** Null for the looks of the first API of the pool. */
  api: string | null
  /** The language of the request. */
  language: Language
}

interface Dependencies {
  links: AccountLinks
  users: UserStore
  mailer: Mailer
  bursts: BurstLimits
  names: KeyedHash
}

/** Sends links to the page that sets a password. */
export class PasswordLinks {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /**
   * Sends a link to the verified address of the named account, after the response. All other work is after the response too, so every
   * name costs the same time.
   *
   * @throws OAuthError too_many_attempts if the caller must wait
   */
  async request(request: ForgottenPassword, context: RequestContext): Promise<void> {
    const { bursts, names } = this.#parts
    const typed = request.name.email ?? request.name.username ?? ''
    await bursts.spend('sign_ins', await names.name(request.pool, 'name', typed), context)
    await bursts.spend('guesses', 'requests for password links', context)
    runLater(context, 'password link', () => this.#answer(request, typed, context))
  }

  /** Every name uses the same budgets and writes the same rows. A disabled user gets no mail, and a locked user gets one. */
  async #answer(
    { pool, api, name, language, device }: ForgottenPassword,
    typed: string,
    context: RequestContext,
  ): Promise<void> {
    const { users, mailer } = this.#parts
    const { user } = await users.findByName({ pool, name, keys: [], now: context.now })
    const profile = user === null ? {} : decodeProfile(`profile of ${user.id}`, user.profileJson)
    const to = verifiedAddressOf(profile)
    if (!user?.enabled || to === null) return mailer.send({ kind: 'nothing', to: typed, pool }, context)
    const recipient = { user: { ...user, profile }, to, api, language }
    const mail = await this.#mailOf(RESET_PASSWORD, recipient, context.now)
    mailer.send(mail, context, device?.subjects.includes(user.id) ? { device: device.id } : {})
  }

  /**
   * Sends a link that an operator requests, to the stored address of the user, also if it is not verified. Its budget is that of
   * notifications, so that requests of other callers cannot suppress it.
   *
   * @throws CorruptRecord if a revocation of the user is in the future
   */
  async send(
    kind: PasswordLinkKind,
    user: User & { profile: Profile & { email: string } },
    context: RequestContext,
  ): Promise<void> {
    const recipient = { user, to: user.profile.email, api: null, language: 'en' } as const
    this.#parts.mailer.send(await this.#mailOf(kind, recipient, context.now), context, { isOperator: true })
  }

  async #mailOf(
    kind: PasswordLinkKind,
    { user, to, api, language }: Recipient,
    now: number,
  ): Promise<Extract<Mail, { kind: PasswordLinkKind['purpose'] }>> {
    const { purpose, lifetimeSeconds } = kind
    const link = await this.#parts.links.make(kind, { user, data: await passwordLinkDataOf(user) }, now)
    const recipient = { to, language: mailLanguageOf(user.profile, language), pool: user.pool, api }
    return { kind: purpose, ...recipient, link, lifetimeSeconds }
  }
}
