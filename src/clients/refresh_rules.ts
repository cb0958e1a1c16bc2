import type { Config } from '../config/config.ts'
import type { RefreshPolicy } from '../oauth/refresh_policy.ts'
import { type Client, isConfidential } from './client.ts'

/** The rules for one use of a refresh token. */
export interface RefreshRules {
  policy: RefreshPolicy
  retryWindowSeconds: number
}

/** The member of a token or of a session that names its key. */
interface BoundToken {
  keyThumbprint: string | null
}

/**
 * Whether a refresh token is useless without a secret or a private key. Only then can it outlive its use, because the rotation of other
 * tokens is the only protection against their theft (RFC 9700 §2.2.2).
 */
export function isSenderConstrained(
  client: { authentication: { method: string } },
  { keyThumbprint }: BoundToken,
): boolean {
  return isConfidential(client) || keyThumbprint !== null
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
