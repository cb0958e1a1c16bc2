import { describeError, log } from '../lib/log.ts'
import type { Call } from './operation.ts'
import { Problem } from './problem.ts'

/**
 * Writes the copies of a changed client, so that every location uses the change within the stated time.
 *
 * @throws Problem if the copy of the client cannot be written: the change is saved, but not yet used everywhere
 */
export async function renewCopies(clientId: string, call: Call): Promise<void> {
  const { services, context } = call
  try {
    await services.clients.renewCopy(clientId, context)
  } catch (error) {
    throw new Problem('copies-not-renewed', {
      detail:
        'The change and its audit event are saved, and refreshes use the change. Other requests for tokens use it within 5 s, and preflights within an hour. ' +
        'Repeat the request to renew the copies sooner.',
      headers: { 'Retry-After': '2' },
      reason: describeError(error),
    })
  }
  await tryToRenewOrigins(call)
}

/** Writes the copies of a new client or secret. A failure has no effect, because nothing depends on the copy. */
export async function tryToRenewCopies(clientId: string, call: Call): Promise<void> {
  await tryTo(clientId, () => call.services.clients.renewCopy(clientId, call.context))
  await tryToRenewOrigins(call)
}

/** Writes the list of all origins, which preflights use. */
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
