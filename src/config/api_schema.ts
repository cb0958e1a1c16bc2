import * as z from 'zod/mini'
import { withoutSlash } from '../lib/exact_uri.ts'
import type { LocalText } from '../lib/language.ts'
import { ERROR_DIALECTS } from '../oauth/error_dialect.ts'
import { SCOPE_TOKEN } from '../oauth/scope.ts'
import { across } from './across.ts'
import { branding } from './branding_schema.ts'
import { areUnique, check, flag, listOf, name, oneOf } from './checks.ts'
import {
  type Check,
  type FileOf,
  keyWithDefault,
  mapping,
  optionalKey,
  requiredKey,
  type ValuesOf,
} from './key.ts'
import { localText } from './local_text_schema.ts'
import { accessTokenLifetime, refreshTokenLifetime } from './token_schema.ts'

const scope = check(
  z.string('must be a scope').check(z.regex(SCOPE_TOKEN, 'must be one scope token (RFC 6749 §3.3)')),
  { bounds: 'scope tokens (RFC 6749 §3.3)' },
)
const scopes = listOf(scope, 'scopes', [z.refine(areUnique, 'must not list a scope twice')])

const scopeText = localText(120)

const scopeTexts: Check<Record<string, LocalText>, ReadonlyMap<string, LocalText>> = {
  schema: z.record(z.string(), scopeText.schema, 'must be a mapping (scope: text)'),
  read: (file) => new Map(Object.entries(file).map(([name, text]) => [name, scopeText.read(text)])),
  unit: 'mapping by scope',
  bounds: `of \`scopes\`; a text, or a mapping by language; ${scopeText.bounds}`,
  inner: null,
}

const audience = check(
  z
    .string('must be a URI, such as https://shop.example.com/api')
    .check(
      z.refine(
        (value) => URL.canParse(value) && !/\s/.test(value),
        'must be an absolute URI, such as https://shop.example.com/api',
      ),
    ),
  { bounds: 'an absolute URI, different for each API, and not the issuer', unit: 'URI' },
)

/** Each pool has the cookie `sallyport-<pool>`, and these names belong to the cookies of forms and of the console. */
const RESERVED_POOL = /^(?:form|console(?:-.*)?)$/

const pool = check(
  name.schema.check(
    z.refine((value) => !RESERVED_POOL.test(value), 'must not be form, console or begin with console-'),
  ),
  { bounds: `${name.bounds}; not \`form\`, \`console\` or a name that begins with \`console-\`` },
)

const keysOfApi = {
  audience: requiredKey('audience', {
    check: audience,
    description: 'The `aud` of the access tokens of this API',
  }),
  userPool: requiredKey('users', {
    check: pool,
    description: 'The pool whose users sign in to this API. APIs can share a pool',
  }),
  guests: keyWithDefault('guests', {
    check: flag,
    default: false,
    description:
      'Whether a sign-in as `guest` with the password `guest` issues tokens to an anonymous visitor',
  }),
  scopes: keyWithDefault('scopes', {
    check: scopes,
    default: [],
    description:
      'The scopes of this API. A client gets only scopes that this list and its record both have. The [JSON API of the account](accounts.md#scope-of-the-json-api) needs `account`',
  }),
  guestScopes: keyWithDefault('guest_scopes', {
    check: { ...scopes, bounds: 'of `scopes`; empty if `guests` is `false`' },
    default: [],
    description: 'The scopes that the tokens of a guest can have',
  }),
  scopeTexts: keyWithDefault('scope_texts', {
    check: scopeTexts,
    default: {},
    description: 'The text of each scope on the consent page. Without a text the page shows the scope itself',
  }),
  agents: keyWithDefault('agents', {
    check: {
      ...flag,
      bounds: '`true` needs a text in `scope_texts` for each scope, and an `audience` without a fragment',
    },
    default: false,
    description:
      'Whether the API is open to agents and platforms ([browser-sign-in.md](browser-sign-in.md#apis-for-agents)). Each sign-in by browser then needs PKCE, errors have the format `rfc6749`, and the metadata lists the scopes',
  }),
  errorDialect: optionalKey('errors', {
    check: { ...oneOf(ERROR_DIALECTS), bounds: '`rfc6749`, or `oro` without `agents`' },
    absent: 'the top-level value; with `agents`: `rfc6749`',
    description: 'The format of the errors that clients of this API get ([errors.md](errors.md))',
  }),
  branding: optionalKey('branding', {
    check: branding,
    absent: 'the looks of Sallyport',
    description: 'The looks of the pages ([browser-sign-in.md](browser-sign-in.md#branding))',
  }),
  accessTokenLifetimeSeconds: optionalKey('access_token_lifetime', {
    check: accessTokenLifetime,
    absent: 'the top-level value',
    description: 'The lifetime of access tokens for this API',
  }),
  refreshTokenLifetimeSeconds: optionalKey('refresh_token_lifetime', {
    check: refreshTokenLifetime,
    absent: 'the top-level value',
    description: 'The lifetime of refresh tokens for this API',
  }),
}

type ApiFile = FileOf<typeof keysOfApi>
export type ApiSettings = ValuesOf<typeof keysOfApi>

const api = mapping(keysOfApi, [
  across(
    (value) => Object.keys(value.scope_texts).every((scope) => value.scopes.includes(scope)),
    'scope_texts',
    'must have only scopes of this API',
  ),
  across(
    (value) => value.guest_scopes.every((scope) => value.scopes.includes(scope)),
    'guest_scopes',
    'must list only scopes of this API',
  ),
  across(
    (value) => value.guests || value.guest_scopes.length === 0,
    'guest_scopes',
    'must be empty if guests is false',
  ),
  across(
    (value) => !value.agents || value.scopes.every((scope) => Object.hasOwn(value.scope_texts, scope)),
    'scope_texts',
    'must have a text for each scope, because the API has agents',
  ),
  across(
    (value) => !value.agents || value.errors !== 'oro',
    'errors',
    'must be rfc6749, because the API has agents',
  ),
  across(
    (value) => !value.agents || !value.audience.includes('#'),
    'audience',
    'must not have a fragment, because the API has agents (RFC 8707 §2)',
  ),
])

const apis: Check<Record<string, ApiFile>, ReadonlyMap<string, ApiSettings>> = {
  schema: z
    .record(name.schema, api.schema, 'must be a mapping (name: API)')
    .check(z.refine((value) => Object.keys(value).length > 0, 'must list at least one API')),
  read: (file) => new Map(Object.entries(file).map(([key, entry]) => [key, api.read(entry)])),
  unit: 'mapping by name',
  bounds: `at least one; a name has ${name.bounds}`,
  inner: { keys: keysOfApi, step: '.<name>.' },
}

export const apiKeys = {
  apis: requiredKey('apis', { check: apis, description: 'The APIs that accept tokens of this server' }),
  adminApiName: optionalKey('admin_api', {
    check: check(z.string('must be the name of an API'), {
      bounds: 'one of `apis`, without guests, whose pool no other API has',
    }),
    absent: 'no admin API',
    description: 'The API whose tokens the admin API accepts ([admin-api.md](admin-api.md))',
  }),
}

/** The rules of `apis` and `admin_api`. */
export const apiRules = [
  across<FileOf<typeof apiKeys>>(
    (value) => areUnique(Object.values(value.apis).map((entry) => withoutSlash(entry.audience))),
    'apis',
    'must have a different audience for each API, not only by a final slash, or an API accepts the tokens of another API',
  ),
  across<FileOf<typeof apiKeys>>(
    (value) => value.admin_api === undefined || Object.hasOwn(value.apis, value.admin_api),
    'admin_api',
    'must name one of apis',
  ),
  across<FileOf<typeof apiKeys>>(
    (value) => value.apis[value.admin_api ?? '']?.guests !== true,
    'admin_api',
    'must name an API without guests',
  ),
  across<FileOf<typeof apiKeys>>(
    (value) => value.apis[value.admin_api ?? '']?.agents !== true,
    'admin_api',
    'must name an API without agents',
  ),
  across<FileOf<typeof apiKeys>>(
    (value) => !sharesPool(value.apis, value.admin_api),
    'admin_api',
    'must name an API whose pool no other API has, because every user of the pool can become an operator',
  ),
]

/** Whether another API has the same pool of users. */
function sharesPool(apis: Record<string, Pick<ApiFile, 'users'>>, name: string | undefined): boolean {
  const pool = apis[name ?? '']?.users
  if (pool === undefined) return false
  return Object.entries(apis).some(([other, entry]) => other !== name && entry.users === pool)
}
