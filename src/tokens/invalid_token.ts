/**
 * A token that this server did not issue, of another kind than expected, or no longer valid. The message has the exact reason,
 * for the log only.
 */
export class InvalidToken extends Error {
  override name = 'InvalidToken'
}
