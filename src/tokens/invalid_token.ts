/**
 * The server did not issue the token, the token has the wrong type, or it is no longer valid. The message has the exact
 * reason. Only the log and the audit trail contain it.
 */
export class InvalidToken extends Error {
  override name = 'InvalidToken'
}
