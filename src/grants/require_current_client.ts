import { CorruptRecord, StorageUnavailable } from '../lib/storage_error.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { ClientRequest, GrantServices } from './grant.ts'

/** A cut-off of a client that lies further ahead than this is an error, such as a time in milliseconds. */
const MAX_AHEAD_SECONDS = 60

/** The client of a request is a copy from before a change. The request can run again with the current client. */
export class ClientChanged extends StorageUnavailable {
  override name = 'ClientChanged'
}

/**
 * Requires that tokens may be issued to a client now. Every grant calls it before a token is issued or used up. The refresh
 * does not, because its own statement checks the client in D1.
 *
 * Until the margin of a client's cut-off is over, every API would refuse new tokens of the client. So none are issued, and the
 * response has `Retry-After`. Tokens dated ahead are no solution: strict readers refuse an `iat` that lies ahead.
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
 * Runs work and the check above in parallel. A refusal of the client comes before any error of the work, because it must not
 * show whether a password was correct.
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
