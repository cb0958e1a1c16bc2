import { CorruptRecord } from '../lib/storage_error.ts'
import { temporarilyUnavailable } from '../oauth/errors.ts'

/** A cut-off of a client that lies further ahead than this is a slip, such as milliseconds. */
const MAX_AHEAD_SECONDS = 60

/**
 * Requires that a client has no cut-off that lies ahead. Tokens that are issued before that second would be refused by every
 * API. They are not issued, and not dated ahead either: strict readers refuse an `iat` that lies ahead. The caller is asked to
 * come back.
 *
 * @param validFrom Tokens of the client that were issued before this second are refused. Unix seconds, like `now`.
 * @throws OAuthError temporarily_unavailable, CorruptRecord
 */
export function requireCutOffPast({ id, validFrom }: { id: string; validFrom: number }, now: number): void {
  const waitSeconds = validFrom - now
  if (waitSeconds > MAX_AHEAD_SECONDS) throw new CorruptRecord(`a cut-off of ${id} lies ahead`)
  if (waitSeconds > 0) {
    throw temporarilyUnavailable(`the tokens of ${id} were cut off a moment ago`, waitSeconds)
  }
}
