/** A factor that a user must still have: the id of a passkey, `totp` or `email`. Null if the user needs none. */
export type RemainingFactor = string | null

/** SQL for the condition that the user `?1` has the `RemainingFactor` `?2`. With it, of two removals at the same time one does nothing. */
export const HAS_REMAINING = `(?2 IS NULL OR EXISTS (SELECT 1 FROM passkeys WHERE subject = ?1 AND id = ?2)
  OR (?2 = 'totp' AND EXISTS (SELECT 1 FROM totp_factors WHERE subject = ?1))
  OR (?2 = 'email' AND EXISTS (SELECT 1 FROM users WHERE id = ?1 AND verified_email IS NOT NULL)))`
