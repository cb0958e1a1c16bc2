import * as z from 'zod/mini'
import { accountPathOf } from '../config/account_path.ts'
import type { Sealer } from '../lib/sealer.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import { generateToken, idOfToken } from '../onetime/one_time_value.ts'
import { isUsableBy } from '../signin/browser_session.ts'
import { issueTimeOf, type User } from '../users/user.ts'
import type { UserAdminStore } from '../users/user_admin_store.ts'
import type { UserRecord } from '../users/user_record.ts'

/** The parameter with the sealed link. */
export const LINK_PARAMETER = 'token'

/** A link to one page for one action. */
export interface LinkKind<Data> {
  purpose: 'reset_password' | 'confirm_address' | 'invitation' | 'end_sessions'
  /** The last segment of the path of its page. */
  page: string
  lifetimeSeconds: number
  data: z.ZodMiniType<Data>
  /** Whether the state that the link names is the current state of the user. */
  isCurrent(data: Data, user: UserRecord): boolean | Promise<boolean>
  /** Whether the link stays valid after a sign-out or a new password. */
  survivesSignOut: boolean
}

/** A link that can be used. Times are Unix seconds. */
export interface AccountLink<Data> {
  user: UserRecord
  data: Data
  /** The one-time value of the link, 256 random bits. */
  id: string
  expiresAt: number
}

const sealedSchema = z.object({
  purpose: z.string(),
  pool: z.string(),
  subject: z.string(),
  id: z.string(),
  madeAt: z.int(),
  expiresAt: z.int(),
  data: z.unknown(),
})
type SealedLink = z.output<typeof sealedSchema>

interface Dependencies {
  sealer: Sealer
  oneTime: OneTimeStore
  userAdmin: UserAdminStore
  issuer: string
}

/**
 * Links in mails. A link is its sealed content, so it has no row before its use (docs/decisions/0067). It works once, for one user,
 * until it expires or the user is disabled, and for most kinds until a sign-out or a new password.
 */
export class AccountLinks {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  /**
   * Makes the URL of a link. Its host is that of `issuer` in config.yml, never that of a request.
   *
   * @param now Unix seconds.
   * @throws CorruptRecord if a revocation of the user is in the future
   */
  async make<Data>(
    { purpose, page, lifetimeSeconds }: LinkKind<Data>,
    { user, data }: { user: User; data: Data },
    now: number,
  ): Promise<string> {
    const { id: subject, pool } = user
    // In the seconds after a sign-out the time of the link is in the future, so that the sign-out does not end it.
    const times = { madeAt: issueTimeOf(user, now), expiresAt: now + lifetimeSeconds }
    const content: SealedLink = { purpose, pool, subject, id: generateToken(), ...times, data }
    const query = new URLSearchParams({ [LINK_PARAMETER]: await this.#parts.sealer.sealValue(content) })
    return `${this.#parts.issuer}${accountPathOf(pool)}/${page}?${query}`
  }

  /**
   * Opens the token of a link and reads its user at the primary. It does not use the link, and it does not check for an earlier use.
   *
   * @param now Unix seconds.
   * @returns null for another text, another kind or pool, an expired link, and a user whose state has changed
   * @throws StorageUnavailable, CorruptRecord
   */
  async find<Data>(
    kind: LinkKind<Data>,
    { token, pool }: { token: string; pool: string },
    now: number,
  ): Promise<AccountLink<Data> | null> {
    const opened = await this.#parts.sealer.openValue(token, sealedSchema)
    if (opened?.purpose !== kind.purpose || opened.pool !== pool || opened.expiresAt <= now) return null
    const { subject, madeAt, id, expiresAt } = opened
    const parsed = kind.data.safeParse(opened.data)
    const user = await this.#parts.userAdmin.find(subject)
    const authTime = kind.survivesSignOut ? Number.POSITIVE_INFINITY : madeAt
    if (!parsed.success || user === null || !isUsableBy({ authTime, subject }, user, pool)) return null
    return (await kind.isCurrent(parsed.data, user)) ? { user, data: parsed.data, id, expiresAt } : null
  }

  /** Whether a link that `find` returned was used before. @throws StorageUnavailable */
  async isUsed({ id }: Pick<AccountLink<unknown>, 'id'>): Promise<boolean> {
    return this.#parts.oneTime.isUsed((await idOfToken(id)) ?? '')
  }

  /**
   * The statements that use a link. Give them to a change of the user as the condition `once`: the change happens only with the first
   * use, in the same transaction. For a user of a further database, see `once`.
   */
  spending({ id, expiresAt }: Pick<AccountLink<unknown>, 'id' | 'expiresAt'>, now: number) {
    return this.#parts.oneTime.spending({ kind: 'link', token: id }, expiresAt, now)
  }
}
