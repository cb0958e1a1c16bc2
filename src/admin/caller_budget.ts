import { SEARCH_COST } from '../clients/caller_budget.ts'
import { PERIOD_SECONDS } from '../storage/burst_limits.ts'
import { actorOf } from './change.ts'
import type { Call, Caller } from './operation.ts'
import { Problem } from './problem.ts'

/** Takes one from the requests of a service account. The requests of operators have no budget. @throws Problem 429 */
export async function spendRequest(caller: Caller, { services }: Pick<Call, 'services'>): Promise<void> {
  if (caller.kind === 'operator') return
  if (await services.bursts.isWithin('service_accounts', caller.clientId)) return
  throw tooManyRequests('It has sent too many requests.', PERIOD_SECONDS)
}

/** Takes the cost of a search from the budget of an operator or a service account. @throws Problem 429 */
export function spendSearch(call: Call): void {
  spend(call, SEARCH_COST)
}

/** Takes the cost of a change from the budget of a service account. The changes of operators have none. @throws Problem 429 */
export function spendChange(call: Call, cost: number): void {
  if (call.caller.kind === 'service account') spend(call, cost)
}

function spend(call: Call, cost: number): void {
  const { services, context } = call
  const seconds = services.callerBudget.take(actorOf(call).subject, cost, context.now)
  if (seconds > 0) throw tooManyRequests('It has changed or searched too many records.', seconds)
}

function tooManyRequests(detail: string, seconds: number): Problem {
  return new Problem('too-many-requests', { detail, headers: { 'Retry-After': String(seconds) } })
}
