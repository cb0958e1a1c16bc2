import { StorageUnavailable } from '../lib/storage_error.ts'
import type { ClientRequest, GrantServices } from './grant.ts'
import { requireCutOffPast } from './require_cut_off_past.ts'

/** The client of a request is a copy from before a change. The request can be run again, with the client as it is now. */
export class ClientChanged extends StorageUnavailable {
  override name = 'ClientChanged'
}

/**
 * Requires that a client may issue tokens now. Every grant calls it before anything is issued or used up, except the refresh,
 * whose own statement looks at the client in D1.
 *
 * @throws ClientChanged, OAuthError temporarily_unavailable, CorruptRecord
 */
export async function requireCurrentClient(
  { client, context }: ClientRequest,
  { clients }: Pick<GrantServices, 'clients'>,
): Promise<void> {
  if (!(await clients.isCurrent(client, context))) throw new ClientChanged(`${client.id} has changed`)
  const validFrom = Math.max(client.tokensValidFrom, client.accessValidFrom)
  requireCutOffPast({ id: client.id, validFrom }, context.now)
}

/**
 * Waits for work and for the check above, side by side. A refusal of the client comes first: whether a password was right
 * must not show in it.
 *
 * @throws what the check throws, else what the work throws
 */
export async function besideClientCheck<T>(
  work: Promise<T>,
  request: ClientRequest,
  services: Pick<GrantServices, 'clients'>,
): Promise<T> {
  const [check] = await Promise.allSettled([requireCurrentClient(request, services), work])
  if (check.status === 'rejected') throw check.reason
  return work
}
