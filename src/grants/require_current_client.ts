import { CorruptRecord, StorageUnavailable } from '../lib/storage_error.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { ClientRequest, GrantServices } from './grant.ts'

/** A cut-off of a client that lies further ahead than this is a slip, such as milliseconds. */
const MAX_AHEAD_SECONDS = 60

/** The client of a request is a copy from before a change. The request can be run again, with the client as it is now. */
export class ClientChanged extends StorageUnavailable {
  override name = 'ClientChanged'
}

/**
 * Requires that a client may issue tokens now. Every grant calls it before anything is issued or used up, except the refresh,
 * whose own statement looks at the client in D1.
 *
 * After a cut-off of a client, tokens that are issued before its margin is over would be refused by every API. They are not
 * issued, and not dated ahead either: strict readers refuse an `iat` that lies ahead. The caller is asked to come back.
 *
 * @throws ClientChanged, OAuthError temporarily_unavailable, CorruptRecord
 */
export async function requireCurrentClient(
  { client, context }: ClientRequest,
  { clients }: Pick<GrantServices, 'clients'>,
): Promise<void> {
  if (!(await clients.isCurrent(client, context))) throw new ClientChanged(`${client.id} has changed`)
  const waitSeconds = client.tokensValidFrom - context.now
  if (waitSeconds > MAX_AHEAD_SECONDS) throw new CorruptRecord(`tokens_valid_from of ${client.id} lies ahead`)
  if (waitSeconds > 0) {
    throw temporarilyUnavailable(`the tokens of ${client.id} were cut off a moment ago`, waitSeconds)
  }
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
