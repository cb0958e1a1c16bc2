import type { Config } from '../config/config.ts'
import type { RefreshPolicy } from '../oauth/refresh_policy.ts'
import { type Client, isConfidential } from './client.ts'

/** The rules for one use of a refresh token. */
export interface RefreshRules {
  policy: RefreshPolicy
  retryWindowSeconds: number
}

/** The members of a token or of a session about its key. */
interface BoundToken {
  keyThumbprint: string | null
  /** Whether the session began without a key. */
  isBoundLater: boolean
}

/**
 * Whether each refresh token of a session is useless without a secret or a private key. Only then can it outlive its use, because the
 * rotation of other tokens is the only protection against their theft (RFC 9700 §2.2.2). If a session began without a key, a thief could
 * have bound its first token to another key.
 */
function isSenderConstrained(
  client: { authentication: { method: string } },
  { keyThumbprint, isBoundLater }: BoundToken,
): boolean {
  return isConfidential(client) || (keyThumbprint !== null && !isBoundLater)
}

/** The rules for a refresh token of a client. */
export function refreshRulesOf(
  client: Pick<Client, 'authentication' | 'refreshPolicy' | 'refreshRetryWindowSeconds'>,
  token: BoundToken,
  { refreshRetryWindowSeconds }: Pick<Config, 'refreshRetryWindowSeconds'>,
): RefreshRules {
  return {
    policy: isSenderConstrained(client, token) ? client.refreshPolicy : 'rotate',
    retryWindowSeconds: client.refreshRetryWindowSeconds ?? refreshRetryWindowSeconds,
  }
}
