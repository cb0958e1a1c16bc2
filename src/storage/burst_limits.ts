import { shareOfNetwork } from '../lib/address_prefix.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { READ_TIMEOUT_MS, respondWithin } from '../lib/storage_error.ts'
import { tooManyAttempts } from '../oauth/errors.ts'

/** The bindings of the budgets. A budget counts the requests of one IP address in one minute at one Cloudflare location. */
export const BURST_BINDINGS = {
  sign_ins: 'SIGN_IN_LIMIT',
  guesses: 'GUESS_LIMIT',
  guests: 'GUEST_LIMIT',
  introspections: 'INTROSPECTION_LIMIT',
  refreshes: 'REFRESH_LIMIT',
  audit_events: 'AUDIT_LIMIT',
  revocations: 'REVOCATION_LIMIT',
  client_revocations: 'CLIENT_REVOCATION_LIMIT',
  service_accounts: 'SERVICE_ACCOUNT_LIMIT',
} as const

export type Budget = keyof typeof BURST_BINDINGS
export type BurstBindings = { [B in Budget as (typeof BURST_BINDINGS)[B]]?: RateLimit }

/** The `period` of each binding in wrangler.toml. */
export const PERIOD_SECONDS = 60

/** Budgets of the runtime, which counts near the caller and not exactly. A budget without a binding is unlimited. */
export class BurstLimits {
  readonly #bindings: BurstBindings

  constructor(bindings: BurstBindings) {
    this.#bindings = bindings
  }

  /**
   * Takes one from the budget of the caller's IP address. The /64s of an IPv6 /48 are divided into four shares, and each share
   * has a budget. An IPv6 address also uses the budget of its share. A caller without an IP address has no budget. It fails open
   * if a binding does not respond.
   *
   * @param whose Separates the budgets of one IP address, such as the budgets of different clients.
   * @throws OAuthError temporarily_unavailable
   */
  async spend(budget: Budget, whose: string, { address }: RequestContext): Promise<void> {
    if (address === null) return
    const share = shareOfNetwork(address)
    const callers = share === null ? [address] : [address, share]
    const areWithin = await Promise.all(callers.map((caller) => this.isWithin(budget, `${whose} ${caller}`)))
    if (!areWithin.includes(false)) return
    throw tooManyAttempts(`the budget of ${budget} is used up`, PERIOD_SECONDS)
  }

  /** Takes one from the budget of a client, for requests from any IP address. @throws OAuthError temporarily_unavailable */
  async spendOfClient(budget: Budget, clientId: string): Promise<void> {
    if (await this.isWithin(budget, clientId)) return
    throw tooManyAttempts(`the budget of ${budget} of ${clientId} is used up`, PERIOD_SECONDS)
  }

  /** Takes one from the budget of a key. @returns false if the budget is used up */
  async isWithin(budget: Budget, key: string): Promise<boolean> {
    const binding = this.#bindings[BURST_BINDINGS[budget]]
    return binding === undefined || (await take(binding, `${budget} ${key}`))
  }
}

async function take(binding: RateLimit, key: string): Promise<boolean> {
  try {
    return (await respondWithin(READ_TIMEOUT_MS, binding.limit({ key }))).success
  } catch (error) {
    log('warn', 'rate_limit_unavailable', { cause: describeError(error) })
    return true
  }
}
