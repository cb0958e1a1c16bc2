import { DAY, flag, seconds } from './checks.ts'
import { keyWithDefault } from './key.ts'

export const accessTokenLifetime = seconds(60, DAY)
export const refreshTokenLifetime = seconds(300, 365 * DAY)

export const tokenKeys = {
  openIdEnabled: keyWithDefault('openid', {
    check: flag,
    default: true,
    description:
      'Whether the server is an OpenID provider. It then keeps an RS256 and an ES256 key for ID tokens, besides `signing_algorithm` ([openid-connect.md](openid-connect.md))',
  }),
  accessTokenLifetimeSeconds: keyWithDefault('access_token_lifetime', {
    check: accessTokenLifetime,
    default: 3600,
    description: 'The lifetime of an access token',
  }),
  refreshTokenLifetimeSeconds: keyWithDefault('refresh_token_lifetime', {
    check: refreshTokenLifetime,
    default: 30 * DAY,
    description: 'The lifetime of a refresh token. Each refresh issues a new one with the full lifetime',
  }),
  refreshTokensEnabled: keyWithDefault('enable_refresh_token', {
    check: flag,
    default: true,
    description: 'Whether the server issues and accepts refresh tokens',
  }),
  refreshRetryWindowSeconds: keyWithDefault('refresh_retry_window', {
    check: seconds(0, 600),
    default: 60,
    description:
      'How long a retry with a used refresh token gets the same new token; 0 disables retries ([sessions.md](sessions.md))',
  }),
}
