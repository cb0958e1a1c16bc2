import { normalizeEmail } from '@sallyport/formats/email'
import type { MailBudgets } from '../config/mail_schema.ts'
import { type CountedNetwork, networksAround } from '../lib/address_prefix.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { MAIL_KINDS, type Mail, type NoMail } from './mail.ts'
import type { MailBudgetStore } from './mail_budget_store.ts'

/** The budgets of a mail. A device has its own budget, in place of that of the address. A client has its own, in place of the sender. */
export type BudgetName =
  | 'client'
  | 'sender'
  | CountedNetwork['kind']
  | 'address'
  | 'device'
  | 'notifications'
  | 'pool'

/** The caller whose budgets a mail uses. */
export interface Spender {
  /** The id of a browser that signed in to this account before. Requests of other browsers do not use up its budget. */
  device?: string
  /** Whether an operator requested the mail. It then has the budget of a notification. */
  isOperator?: boolean
}

/** A budget that a mail uses. */
interface Use {
  name: BudgetName
  /** The owner of the budget. */
  of: string[]
  limit: number
}

/** The number of mails in an hour. Budgets do not depend on whether an account exists. */
export class MailBudget {
  readonly #store: MailBudgetStore
  readonly #names: KeyedHash
  readonly #limits: MailBudgets

  constructor({ store, names, limits }: { store: MailBudgetStore; names: KeyedHash; limits: MailBudgets }) {
    this.#store = store
    this.#names = names
    this.#limits = limits
  }

  /**
   * Takes one mail from each of its budgets. A notification has a budget of its own, so that requests cannot suppress it. It is sent
   * also if the store is down.
   *
   * @returns the budget that is used up; null if the mail is allowed
   * @throws StorageUnavailable, but not for a notification
   */
  async spend(mail: Mail | NoMail, context: RequestContext, spender: Spender): Promise<BudgetName | null> {
    const { pool, kind } = mail
    const to = normalizeEmail(mail.to)
    const { address: limit } = this.#limits
    if (kind === 'nothing' || (MAIL_KINDS[kind].budget === 'request' && !spender.isOperator))
      return this.#take(this.#usesOfRequest({ to, pool, context }, spender), context.now)
    try {
      const uses: Use[] = [
        { name: 'notifications', of: [pool, to], limit: limit * NOTIFICATIONS_PER_REQUEST },
      ]
      return await this.#take(uses, context.now)
    } catch (error) {
      log('error', 'mail_budget_unavailable', { kind, cause: describeError(error) })
      return null
    }
  }

  /**
   * The sender comes first and the pool last: a sender or an address whose budget is used up takes nothing from the other budgets. All
   * known browsers of a pool share a second budget of the pool, which other requests cannot use up.
   */
  #usesOfRequest(
    { to, pool, context }: { to: string; pool: string; context: RequestContext },
    { device }: Spender,
  ): Use[] {
    const { address: perAddress, pool: perPool } = this.#limits
    const sender = this.#usesOfSender(context)
    return device === undefined
      ? [
          ...sender,
          { name: 'address', of: [pool, to], limit: perAddress },
          { name: 'pool', of: [pool], limit: perPool },
        ]
      : [
          ...sender,
          { name: 'device', of: [pool, to, device], limit: perAddress },
          { name: 'pool', of: [pool, 'devices'], limit: perPool },
        ]
  }

  /** One client sends the requests of many users from one address, so its budget is not that of the address. */
  #usesOfSender({ provenClient, address }: RequestContext): Use[] {
    const { client, sender } = this.#limits
    if (provenClient !== null) return [{ name: 'client', of: [provenClient], limit: client }]
    if (address === null) return []
    const networks = isIpv6(address) ? networksAround(address) : []
    return [
      { name: 'sender', of: [address], limit: sender },
      ...networks.map(({ kind, prefix }) => ({
        name: kind,
        of: [prefix],
        limit: sender * SENDERS_OF[kind],
      })),
    ]
  }

  async #take(uses: readonly Use[], now: number): Promise<BudgetName | null> {
    const charges = uses.map(async ({ name, of, limit }) => ({
      key: await this.#names.name(name, ...of),
      limit,
    }))
    const exhausted = await this.#store.take(await Promise.all(charges), now)
    return exhausted === null ? null : (uses[exhausted]?.name ?? null)
  }
}

/** One action of a user can cause several notifications. */
const NOTIFICATIONS_PER_REQUEST = 4

/** An IPv6 network has the budgets of this number of senders, because one caller can have all its /64s. */
const SENDERS_OF = { site: 4, network: 16 } as const

function isIpv6(address: string): boolean {
  return address.includes(':')
}
