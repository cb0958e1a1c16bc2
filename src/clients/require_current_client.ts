import { CorruptRecord, StorageUnavailable } from '../lib/storage_error.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { ClientRequest } from './client_request.ts'
import type { ClientStore } from './client_store.ts'

/** A cut-off of a client that lies further ahead than this is an error, such as a time in milliseconds. */
const MAX_AHEAD_SECONDS = 60

interface Dependencies {
  clients: Pick<ClientStore, 'isCurrent'>
}

/** The client of a request is a copy from before a change. The request can run again with the current client. */
export class ClientChanged extends StorageUnavailable {
  override name = 'ClientChanged'
}

/**
 * Requires that tokens may be issued to a client now. Every grant calls it before a token is issued or used up. The refresh calls
 * only `requireUnchangedClient`: its own statement checks the cut-offs in D1.
 *
 * @throws ClientChanged, OAuthError temporarily_unavailable, CorruptRecord
 */
export async function requireCurrentClient(
  request: ClientRequest,
  dependencies: Dependencies,
): Promise<void> {
  await requireUnchangedClient(request, dependencies)
  const { client, context } = request
  requireCutOffIsOver(client.id, Math.max(client.tokensValidFrom, client.accessValidFrom), context.now)
}

/** Requires that the copy of a client lacks no change of more than a few seconds ago. @throws ClientChanged */
export async function requireUnchangedClient(
  { client, context }: ClientRequest,
  { clients }: Dependencies,
): Promise<void> {
  if (!(await clients.isCurrent(client, context))) throw new ClientChanged(`${client.id} has changed`)
}

/**
 * After a cut-off of a client, tokens that are issued before its margin is over would be refused by every API. They are not
 * issued, and not dated ahead either: strict readers refuse an `iat` that lies ahead, and a cut-off of the user in the same
 * seconds would not end them. The caller is asked to come back.
 *
 * @param validFrom The second of the cut-off.
 * @throws OAuthError temporarily_unavailable; CorruptRecord where it lies more than MAX_AHEAD_SECONDS ahead
 */
export function requireCutOffIsOver(clientId: string, validFrom: number, now: number): void {
  const waitSeconds = validFrom - now
  if (waitSeconds > MAX_AHEAD_SECONDS) throw new CorruptRecord(`a cut-off of ${clientId} lies ahead`)
  if (waitSeconds > 0) {
    throw temporarilyUnavailable(`the tokens of ${clientId} were cut off a moment ago`, waitSeconds)
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
  dependencies: Dependencies,
): Promise<T> {
  const [check] = await Promise.allSettled([requireCurrentClient(request, dependencies), work])
  if (check.status === 'rejected') throw check.reason
  return work
}
