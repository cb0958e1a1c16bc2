import * as z from 'zod/mini'
import { SCOPE_TOKEN } from '../oauth/scope.ts'
import { across } from './across.ts'
import { breachedPasswords } from './breached_passwords_schema.ts'
import { BURST_LIMITS, burstLimits } from './burst_limits_schema.ts'
import { challenge } from './challenge_schema.ts'
import { count, DAY, days, lifetime } from './numbers.ts'
import { isLoopback, isSecure, parseOrigin } from './origin.ts'
import { isPageOrigin } from './page_origin.ts'
import { SIGN_IN_LIMITS, signInLimits } from './sign_in_limits_schema.ts'

/** The JWS algorithms that a server may sign with. */
export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

/** OWASP's table of equally strong Argon2id costs: [m in KiB, t], p = 1 each. */
export const OWASP_ARGON2ID_COSTS = [
  [47104, 1],
  [19456, 2],
  [12288, 3],
  [9216, 4],
  [7168, 5],
] as const

const accessTokenLifetime = lifetime(60, DAY)
const refreshTokenLifetime = lifetime(300, 365 * DAY)
const flag = z.boolean('must be true or false')
const name = z
  .string('must be a name')
  .check(z.regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be a lower-case name of up to 32 letters, digits, - or _'))
const scopes = z
  .array(
    z.string('must be a scope').check(z.regex(SCOPE_TOKEN, 'must be one scope token (RFC 6749 §3.3)')),
    'must be a list of scopes',
  )
  .check(z.refine(areUnique, 'must not list a scope twice'))

const issuer = z.string('must be an origin, such as https://id.example.com').check(
  z.refine(
    (value) => parseOrigin(value) !== null,
    'must be an origin alone, in lower case, without path, slash or default port: https://id.example.com',
  ),
  z.refine((value) => {
    const origin = parseOrigin(value)
    return origin === null || isSecure(origin)
  }, 'must be https, unless it is a loopback address'),
)

const audience = z
  .string('must be a URI, such as https://shop.example.com/api')
  .check(
    z.refine(
      (value) => URL.canParse(value) && !/\s/.test(value),
      'must be an absolute URI, such as https://shop.example.com/api',
    ),
  )

const origin = z.string('must be an origin').check(isPageOrigin)

const headerName = z.string('must be a header name').check(
  z.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be a header name'),
  z.refine((value) => value !== '*', 'must be a header name, not a wildcard'),
)

const api = z
  .strictObject(
    {
      audience,
      users: name,
      guests: z._default(flag, false),
      scopes: z._default(scopes, []),
      guest_scopes: z._default(scopes, []),
      access_token_lifetime: z.optional(accessTokenLifetime),
      refresh_token_lifetime: z.optional(refreshTokenLifetime),
    },
    'must be an API',
  )
  .check(
    across(
      (value) => value.guest_scopes.every((scope) => value.scopes.includes(scope)),
      'guest_scopes',
      'must list scopes of this API only',
    ),
    across(
      (value) => value.guests || value.guest_scopes.length === 0,
      'guest_scopes',
      'must be empty where guests are off',
    ),
  )

const cors = z.strictObject(
  {
    allow_origins: z._default(z.array(origin, 'must be a list of origins'), []),
    allow_headers: z._default(z.array(headerName, 'must be a list of header names'), []),
    preflight_max_age: z._default(lifetime(0, DAY), 600),
  },
  'must be a table',
)

const passwordHash = z
  .strictObject(
    { m: z.int('must be a number of KiB'), t: z.int('must be a number of passes'), p: z.int('must be 1') },
    'must be a table with m, t and p',
  )
  .check(
    z.refine(({ m, t, p }) => p === 1 && OWASP_ARGON2ID_COSTS.some((row) => row[0] === m && row[1] === t), {
      message: `must be a row of OWASP's Argon2id table with p=1: ${OWASP_ARGON2ID_COSTS.map(([m, t]) => `m=${m},t=${t}`).join(' or ')}`,
    }),
  )

const passwordQueue = z.strictObject(
  { length: z._default(count(1, 1000), 50), seconds: z._default(lifetime(1, 30), 3) },
  'must be a table with length and seconds',
)

const CONTINENTS = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const

const shard = z.strictObject(
  {
    name: z
      .string('must be a name')
      .check(z.regex(/^[a-z][a-z0-9]{0,15}$/, 'must be a lower-case name of up to 16 letters and digits')),
    binding: z
      .string('must be a D1 binding of wrangler.toml')
      .check(z.regex(/^[A-Z][A-Z0-9_]*$/, 'must be a D1 binding of wrangler.toml')),
    continents: z._default(
      z.array(z.enum(CONTINENTS, `must be one of ${CONTINENTS.join(', ')}`), 'must be a list of continents'),
      [],
    ),
  },
  'must be a shard with a name, a binding and continents',
)

type Shard = z.output<typeof shard>

/** Whether no two shards share a name, a binding or a continent. */
function areDistinct(shards: Shard[]): boolean {
  const lists = [
    shards.map((entry) => entry.name),
    shards.map((entry) => entry.binding),
    shards.flatMap((entry) => entry.continents),
  ]
  return lists.every(areUnique)
}

const shards = z
  .array(shard, 'must be a list of shards')
  .check(
    z.minLength(1, 'must list at least one shard'),
    z.refine(areDistinct, 'must not give two shards the same name, binding or continent'),
  )

/** The shape of config.yml. Keys are OroCommerce's where it has one. */
export const configSchema = z
  .strictObject(
    {
      issuer,
      signing_algorithm: z._default(
        z.enum(SIGNING_ALGORITHMS, `must be one of ${SIGNING_ALGORITHMS.join(', ')}`),
        'ES256',
      ),
      key_rotation_days: z._default(days(7, 730), 90),
      access_token_lifetime: z._default(accessTokenLifetime, 3600),
      refresh_token_lifetime: z._default(refreshTokenLifetime, 30 * DAY),
      enable_refresh_token: z._default(flag, true),
      refresh_retry_window: z._default(lifetime(0, 600), 60),
      session_lifetime: z.optional(lifetime(300, 3650 * DAY)),
      session_shards: z._default(shards, [{ name: 's1', binding: 'DB', continents: [] }]),
      audit_retention_days: z._default(days(1, 3650), 90),
      audit_max_events: z._default(count(10_000, 20_000_000), 10_000_000),
      errors: z._default(z.enum(['rfc6749', 'oro'], 'must be rfc6749 or oro'), 'rfc6749'),
      password_hash: z._default(passwordHash, { m: 19456, t: 2, p: 1 }),
      password_queue: z._default(passwordQueue, { length: 50, seconds: 3 }),
      minimum_password_length: z._default(count(8, 64), 8),
      breached_passwords: z.optional(breachedPasswords),
      challenge: z.optional(challenge),
      sign_in_limits: z._default(signInLimits, SIGN_IN_LIMITS),
      burst_limits: z._default(burstLimits, BURST_LIMITS),
      cors: z._default(cors, { allow_origins: [], allow_headers: [], preflight_max_age: 600 }),
      apis: z
        .record(name, api, 'must be a table of APIs')
        .check(z.refine((value) => Object.keys(value).length > 0, 'must list at least one API')),
      admin_api: z.optional(z.string('must be the name of an API')),
    },
    'must be a table',
  )
  .check(
    across(
      (value) => areUnique(Object.values(value.apis).map((entry) => entry.audience)),
      'apis',
      'must give each API an audience of its own, or their tokens are interchangeable',
    ),
    across(
      (value) => Object.values(value.apis).every((entry) => entry.audience !== value.issuer),
      'apis',
      'must not use the issuer as an audience: that is the audience of refresh tokens',
    ),
    across(
      ({ breached_passwords: breaches, issuer: own }) =>
        breaches === undefined || !isLoopback(breaches.range_url) || isLoopback(own),
      'breached_passwords.range_url',
      'must not be a loopback address where the issuer is none',
    ),
    across(
      ({ challenge: hook, issuer: own }) =>
        hook === undefined || !isLoopback(hook.verify_url) || isLoopback(own),
      'challenge.verify_url',
      'must not be a loopback address where the issuer is none',
    ),
    across(
      (value) => value.admin_api === undefined || Object.hasOwn(value.apis, value.admin_api),
      'admin_api',
      'must name one of apis',
    ),
    across(
      (value) => value.apis[value.admin_api ?? '']?.guests !== true,
      'admin_api',
      'must name an API without guests',
    ),
    across(
      (value) => !sharesPool(value.apis, value.admin_api),
      'admin_api',
      'must name an API whose pool of users no other API has: its people would be operators',
    ),
  )

export type ConfigFile = z.output<typeof configSchema>

/** Whether another API takes its people from the same pool. */
function sharesPool(apis: Record<string, { users: string }>, name: string | undefined): boolean {
  const pool = apis[name ?? '']?.users
  if (pool === undefined) return false
  return Object.entries(apis).some(([other, entry]) => other !== name && entry.users === pool)
}

function areUnique(items: readonly string[]): boolean {
  return new Set(items).size === items.length
}
