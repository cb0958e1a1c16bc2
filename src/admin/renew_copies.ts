import { describeError, log } from '../lib/log.ts'
import type { Call } from './operation.ts'
import { Problem } from './problem.ts'

/**
 * Writes the read copies of a client that has changed, so that the change counts everywhere within the stated time.
 *
 * @throws Problem where that of the client cannot be written: the change stands, and is not seen everywhere yet
 */
export async function renewCopies(clientId: string, call: Call): Promise<void> {
  const { services, context } = call
  try {
    await services.clients.renewCopy(clientId, context)
  } catch (error) {
    throw new Problem('copies-not-renewed', {
      detail:
        'The change is made and in the audit trail, and refreshes follow it. Elsewhere it counts within an hour, ' +
        'or sooner where it is made again.',
      headers: { 'Retry-After': '2' },
      reason: describeError(error),
    })
  }
  await tryToRenewOrigins(call)
}

/** As above, of a client or a secret that is new: nothing depends on its copy. */
export async function tryToRenewCopies(clientId: string, call: Call): Promise<void> {
  await tryTo(clientId, () => call.services.clients.renewCopy(clientId, call.context))
  await tryToRenewOrigins(call)
}

/** The list of all origins, which preflights go by. */
export function tryToRenewOrigins({ services, context }: Call): Promise<void> {
  return tryTo('origins', () => services.origins.renewCopy(context))
}

async function tryTo(copy: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log('warn', 'copy_not_renewed', { copy, cause: describeError(error) })
  }
}
