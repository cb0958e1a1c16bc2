/** A response of an authenticator does not verify. Only the log and the audit trail have the reason. */
export class PasskeyRefused extends Error {
  override name = 'PasskeyRefused'
  readonly reason: string
  /** The id of a passkey that the server does not have, such as a removed one; null for another reason. base64url. */
  readonly unknownCredentialId: string | null

  constructor(reason: string, unknownCredentialId: string | null = null) {
    super(reason)
    this.reason = reason
    this.unknownCredentialId = unknownCredentialId
  }
}

/** Refuses unless the condition is true. @throws PasskeyRefused */
export function requirePasskey(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new PasskeyRefused(reason)
}
