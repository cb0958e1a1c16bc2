/**
 * The causes of refused sign-ins, refreshes and exchanges of codes, for the statistics. The reason of an audit event is exact and has many values. A
 * cause groups reasons, so that the number of counters is bounded.
 */
export const FAILURE_CAUSES = [
  'unknown_user',
  'wrong_password',
  'locked_user',
  'disabled_user',
  'malformed_credentials',
  'expired_token',
  'ended_session',
  'replayed_token',
  'foreign_token',
  'invalid_token',
  'other',
] as const
export type FailureCause = (typeof FAILURE_CAUSES)[number]
