/** A response of an authenticator does not verify. Only the log and the audit trail have the reason. */
export class PasskeyRefused extends Error {
  override name = 'PasskeyRefused'
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** Refuses unless the condition is true. @throws PasskeyRefused */
export function requirePasskey(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new PasskeyRefused(reason)
}
