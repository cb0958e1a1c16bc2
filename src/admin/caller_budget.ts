import { PERIOD_SECONDS } from '../storage/burst_limits.ts'
import type { Call, Caller } from './operation.ts'
import { Problem } from './problem.ts'

/** Takes one from the requests of a service account. An operator has no budget. @throws Problem 429 */
export async function spendRequest(caller: Caller, { services }: Pick<Call, 'services'>): Promise<void> {
  if (caller.kind === 'operator') return
  if (await services.bursts.isWithin('service_accounts', caller.clientId)) return
  throw tooManyRequests('It has sent too many requests.')
}

/** Takes from the records that a service account may change or search. @throws Problem 429 */
export function spendRecords({ caller, services, context }: Call, records: number): void {
  if (caller.kind === 'operator' || services.accountBudget.take(caller.clientId, records, context.now)) return
  throw tooManyRequests('It has changed or searched too many records.')
}

function tooManyRequests(detail: string): Problem {
  return new Problem('too-many-requests', { detail, headers: { 'Retry-After': String(PERIOD_SECONDS) } })
}
