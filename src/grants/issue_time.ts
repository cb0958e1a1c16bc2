import type { Client } from '../clients/client.ts'
import { CorruptRecord } from '../lib/storage_error.ts'
import { issueTimeOf, MAX_AHEAD_SECONDS, type User } from '../users/user.ts'

/**
 * The `iat` of tokens that are issued to a client now. For a few seconds after a cut-off of the user or the client it lies
 * ahead, so that the cut-off does not end the new tokens.
 *
 * @param user Null for a guest and for the client itself.
 * @returns Unix seconds
 * @throws CorruptRecord where a cut-off lies more than MAX_AHEAD_SECONDS ahead
 */
export function issueTimeFor(
  { id, accessValidFrom }: Pick<Client, 'id' | 'accessValidFrom'>,
  user: User | null,
  now: number,
): number {
  if (accessValidFrom > now + MAX_AHEAD_SECONDS) throw new CorruptRecord(`a cut-off of ${id} lies ahead`)
  return Math.max(accessValidFrom, user === null ? now : issueTimeOf(user, now))
}
