import { CorruptRecord, StorageUnavailable } from '../lib/storage_error.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'
import type { ClientRequest } from './client_request.ts'
import type { ClientStore } from './client_store.ts'

/** A `tokensValidFrom` later than this is an error, such as a time in milliseconds. */
const MAX_AHEAD_SECONDS = 60

interface Dependencies {
  clients: Pick<ClientStore, 'isCurrent'>
}

/** The copy lacks a change of the client. The request can run again with the current client. */
export class ClientChanged extends StorageUnavailable {
  override name = 'ClientChanged'
}

/**
 * Requires that the server may issue tokens to the client now. Each grant calls it before it issues or consumes a token. The
 * refresh token grant calls only `requireUnchangedClient`, because its SQL statement checks the revocations in D1.
 *
 * @throws ClientChanged, OAuthError temporarily_unavailable, CorruptRecord
 */
export async function requireCurrentClient(
  request: ClientRequest,
  dependencies: Dependencies,
): Promise<void> {
  await requireUnchangedClient(request, dependencies)
  const { client, context } = request
  requireNoActiveRevocation(client.id, Math.max(client.tokensValidFrom, client.accessValidFrom), context.now)
}

/** Requires that the copy of the client includes all changes older than a few seconds. @throws ClientChanged */
export async function requireUnchangedClient(
  { client, context }: ClientRequest,
  { clients }: Dependencies,
): Promise<void> {
  if (!(await clients.isCurrent(client, context))) throw new ClientChanged(`${client.id} has changed`)
}

/**
 * Refuses to issue tokens while the time of a revocation of the client is in the future. APIs would refuse these tokens. The server
 * does not issue tokens with a later `iat`, because strict libraries refuse an `iat` in the future. Also, a revocation of the user
 * in the same seconds would not end such tokens.
 *
 * @param validFrom The second from which new tokens of the client are valid.
 * @throws OAuthError temporarily_unavailable; CorruptRecord if `validFrom` is more than MAX_AHEAD_SECONDS in the future
 */
export function requireNoActiveRevocation(clientId: string, validFrom: number, now: number): void {
  const waitSeconds = validFrom - now
  if (waitSeconds > MAX_AHEAD_SECONDS)
    throw new CorruptRecord(`the time of a revocation of ${clientId} is in the future`)
  if (waitSeconds > 0) {
    throw temporarilyUnavailable(`the tokens of ${clientId} were revoked a moment ago`, waitSeconds)
  }
}

/**
 * Runs `requireCurrentClient` in parallel with other work. An error of the check replaces an error of the work. So the
 * response does not show whether a password was correct.
 *
 * @throws the error of the check, else the error of the work
 */
export async function requireCurrentClientDuring<T>(
  work: Promise<T>,
  request: ClientRequest,
  dependencies: Dependencies,
): Promise<T> {
  const [check] = await Promise.allSettled([requireCurrentClient(request, dependencies), work])
  if (check.status === 'rejected') throw check.reason
  return work
}
