import { normalizeUsername } from '@sallyport/formats/username'
import type { AuditStore } from '../audit/audit_store.ts'
import { accountPathOf } from '../config/account_path.ts'
import type { Config } from '../config/config.ts'
import type { EditOutcome } from '../lib/edit.ts'
import type { Language } from '../lib/language.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import { ConstraintFailed } from '../lib/storage_error.ts'
import type { Mailer } from '../mail/mailer.ts'
import type { Notifier } from '../mail/news.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { mailLanguageOf, mailLanguageOfUser } from '../users/mail_language.ts'
import type { UserAdminStore } from '../users/user_admin_store.ts'
import type { UserRecord } from '../users/user_record.ts'
import { searchTextOf } from '../users/user_search.ts'
import type { UserStore } from '../users/user_store.ts'
import type { AccountLink, AccountLinks } from './account_links.ts'
import { type AddressLinkData, CONFIRM_ADDRESS, verifiedAddressOf } from './link_kinds.ts'

/** A new address that a signed-in user typed. */
export interface NewAddress {
  user: UserRecord
  /** An address that `readNewAddress` returned. */
  address: string
  /** The API whose looks the mails have. */
  api: string
  /** The language of the page. */
  language: Language
}

/** A link that confirms an address, as its page sends it. */
interface ConfirmedAddress {
  token: string
  pool: string
  /** For the audit trail. */
  api: string
}

interface Dependencies {
  links: AccountLinks
  users: UserStore
  userAdmin: UserAdminStore
  mailer: Mailer
  bursts: BurstLimits
  audit: AuditStore
  notifications: Notifier
  config: Pick<Config, 'issuer'>
}

/** Changes the address of a user. The user confirms the new address by a link in a mail to it. */
export class AddressChanges {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /**
   * Sends the link to the new address, and a notification to the current verified address, after the response. The owner of a taken
   * address gets another mail, and the user sees no difference.
   *
   * @throws OAuthError too_many_attempts if the caller must wait
   */
  async request(request: NewAddress, context: RequestContext): Promise<void> {
    await this.#parts.bursts.spend('guesses', 'changes of addresses', context)
    runLater(context, 'change of address', () => this.#send(request, context))
  }

  async #send({ user, address, api, language }: NewAddress, context: RequestContext): Promise<void> {
    const { users, links, mailer, config } = this.#parts
    const { pool } = user
    const from = verifiedAddressOf(user.profile)
    if (address === from) return mailer.send({ kind: 'nothing', to: address, pool }, context)
    const name = { username: null, email: address }
    const { user: owner } = await users.findByName({ pool, name, keys: [], now: context.now })
    if (owner === null) {
      const link = await links.make(CONFIRM_ADDRESS, { user, data: { address, from } }, context.now)
      const { lifetimeSeconds } = CONFIRM_ADDRESS
      const looks = { language: mailLanguageOf(user.profile, language), pool, api }
      mailer.send({ ...looks, to: address, kind: 'confirm_new_address', link, lifetimeSeconds }, context)
    } else {
      const link = config.issuer + accountPathOf(pool)
      const looks = { language: mailLanguageOfUser(owner, language), pool, api }
      mailer.send({ ...looks, to: address, kind: 'address_has_account', link }, context)
    }
    this.#notify({ user, to: from, api }, 'address_changes', context)
  }

  /** Notifies the user at the verified address from before the change. */
  #notify(
    { user, to, api }: { user: UserRecord; to: string | null; api: string },
    kind: 'address_changes' | 'address_changed',
    context: RequestContext,
  ): void {
    const concerned = { subject: user.id, api, clientId: null }
    if (to !== null) this.#parts.notifications.send({ ...concerned, to }, { kind }, context)
  }

  /** The link of a page; null if it cannot be used. It changes nothing. @throws StorageUnavailable, CorruptRecord */
  find(
    { token, pool }: Pick<ConfirmedAddress, 'token' | 'pool'>,
    now: number,
  ): Promise<AccountLink<AddressLinkData> | null> {
    return this.#parts.links.find(CONFIRM_ADDRESS, { token, pool }, now)
  }

  /**
   * Makes the new address the verified address of the user. A username that is the old address becomes the new one, unless another
   * user has it. The sessions of the user continue.
   *
   * @returns the user; null if the link cannot be used, or another user has the address since
   * @throws OAuthError too_many_attempts if the caller must wait; StorageUnavailable, CorruptRecord
   */
  async confirm(confirmed: ConfirmedAddress, context: RequestContext): Promise<UserRecord | null> {
    await this.#parts.bursts.spend('guesses', 'confirmations of addresses', context)
    const link = await this.find(confirmed, context.now)
    if (link === null) return null
    const { user, data } = link
    const isName = data.from !== null && normalizeUsername(data.from) === user.username
    const names = isName ? [data.address, user.username] : [user.username]
    for (const username of names) {
      const outcome = await this.#apply(link, { username, api: confirmed.api }, context)
      if (outcome === 'taken name') continue
      if (outcome?.kind !== 'changed') return null
      this.#notify({ user, to: data.from, api: confirmed.api }, 'address_changed', context)
      return outcome.record
    }
    return null
  }

  /** @returns null if another user has the address */
  async #apply(
    link: AccountLink<AddressLinkData>,
    { username, api }: { username: string; api: string },
    context: RequestContext,
  ): Promise<EditOutcome<UserRecord> | 'taken name' | null> {
    const { links, userAdmin, audit } = this.#parts
    const { user, data } = link
    const profile = { ...user.profile, email: data.address, email_verified: true }
    const once = await links.spending(link, context.now)
    const conditions = { once, versions: [user.version], adminPool: null, now: context.now }
    const about = { api, clientId: null, subject: user.id, sid: null }
    const event = {
      kind: 'account',
      outcome: 'ok',
      reason: 'the user confirmed a new address',
      ...about,
    } as const
    const edit = { username, profile, search: searchTextOf({ username, profile }) }
    try {
      return await userAdmin.change(user.id, edit, conditions, [audit.additionIfChanged(event, context)])
    } catch (error) {
      if (!(error instanceof ConstraintFailed)) throw error
      return error.columns.includes('users.username') ? 'taken name' : null
    }
  }
}
