import * as z from 'zod/mini'
import { REFRESH_POLICIES, type RefreshPolicy } from '../oauth/refresh_policy.ts'
import { lifetimeSchema, retryWindow, storedLifetime } from './client_field_schemas.ts'
import { defineField } from './define_field.ts'

/** The fields of a client about its tokens. */
export const TOKEN_FIELDS = {
  accessTokenLifetimeSeconds: defineField('access_token_lifetime', {
    kind: 'seconds',
    label: 'Access token lifetime (seconds)',
    description: 'Access token lifetime in seconds; defaults to the lifetime of the API',
    input: lifetimeSchema(60, 86_400),
    stored: storedLifetime,
    isEditable: true,
    defaultOf: () => null,
    inherited: (api) => api.accessTokenLifetimeSeconds,
  }),
  refreshTokenLifetimeSeconds: defineField('refresh_token_lifetime', {
    kind: 'seconds',
    label: 'Refresh token lifetime (seconds)',
    description: 'Refresh token lifetime in seconds; defaults to the lifetime of the API',
    input: lifetimeSchema(300, 31_536_000),
    stored: storedLifetime,
    isEditable: true,
    defaultOf: () => null,
    inherited: (api) => api.refreshTokenLifetimeSeconds,
  }),
  refreshPolicy: defineField('refresh', {
    kind: 'text',
    label: 'Refresh policy',
    description:
      'The event that ends a refresh token: its use (rotate), the use of its successor (until_used) or the end of the session (fixed); until_used and fixed need a confidential client or DPoP',
    input: z.enum(REFRESH_POLICIES, `must be one of ${REFRESH_POLICIES.join(', ')}`),
    stored: z.enum(REFRESH_POLICIES),
    isEditable: true,
    defaultOf: (): RefreshPolicy => 'rotate',
    choices: () => REFRESH_POLICIES,
  }),
  refreshRetryWindowSeconds: defineField('refresh_retry_window', {
    kind: 'seconds',
    label: 'Refresh retry window (seconds)',
    description:
      'Seconds in which a replaced refresh token gets the newest token, 0 to 3600; defaults to refresh_retry_window of config.yml',
    input: retryWindow,
    stored: z.nullable(z.int().check(z.gte(0))),
    isEditable: true,
    defaultOf: () => null,
  }),
}
