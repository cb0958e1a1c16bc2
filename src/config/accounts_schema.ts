import { isRole, ROLE_RULE } from '@sallyport/formats/role'
import * as z from 'zod/mini'
import { acrossPaths, type PathProblem } from './across.ts'
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
import { findOriginProblem } from './origin.ts'
import type { PerPool } from './pool_settings.ts'

/** A host name in lower case, in ASCII. It is not an IP address, because its last label begins with a letter. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/

const rpId = check(
  z
    .string('must be a host name, such as example.com')
    .check(z.regex(HOST, 'must be a host name in lower case, such as example.com, and not an IP address')),
  { bounds: 'the host of the issuer or a parent domain of it, not an IP address', unit: 'host name' },
)

/** The origin of an Android app: the SHA-256 of its signing certificate in base64url. */
const APP_ORIGIN = /^android:apk-key-hash:[A-Za-z0-9_-]{43}$/

const findPasskeyOriginProblem = (text: string) => (APP_ORIGIN.test(text) ? null : findOriginProblem(text))

const origin = check(
  z.string('must be an exact origin, such as https://shop.example.com').check(
    z.refine((text) => findPasskeyOriginProblem(text) === null, {
      error: ({ input }) => findPasskeyOriginProblem(String(input)),
    }),
  ),
  {
    bounds:
      'exact origins without path; https, or http on a loopback address; `android:apk-key-hash:` and 43 characters',
  },
)

const role = check(z.string(ROLE_RULE).check(z.refine(isRole, ROLE_RULE)), { bounds: 'names of roles' })

const keysOfPasskeys = {
  rpId: requiredKey('rp_id', {
    check: rpId,
    description: 'The domain of the passkeys. A passkey works only for the domain with which it was made',
  }),
  origins: keyWithDefault('origins', {
    check: listOf(origin, 'origins', [z.refine(areUnique, 'must not list an origin twice')]),
    default: [],
    description:
      'Origins outside the issuer that can use the passkeys ([passkeys.md](passkeys.md#origins)). `/.well-known/webauthn` lists them',
  }),
  userVerification: keyWithDefault('user_verification', {
    check: oneOf(['required', 'preferred']),
    default: 'required',
    description:
      'Whether a passkey must verify its user, by PIN or biometrics. Without verification a passkey is one factor',
  }),
  required: keyWithDefault('required', {
    check: flag,
    default: false,
    description:
      'Whether each sign-in needs a passkey, alone or after a password. A user without one adds it in the sign-in',
  }),
}

/** The passkeys of a pool. */
export type PasskeySettings = ValuesOf<typeof keysOfPasskeys>

const keysOfPool = {
  signUp: keyWithDefault('sign_up', {
    check: flag,
    default: false,
    description: 'Whether visitors can create accounts ([accounts.md](accounts.md#sign-up))',
  }),
  emailCode: keyWithDefault('email_code', {
    check: oneOf(['off', 'sign_in', 'second_factor']),
    default: 'off',
    description:
      'Codes in mails: none, in place of a password, or as the second factor of users without another one',
  }),
  selfService: keyWithDefault('self_service', {
    check: flag,
    default: false,
    description:
      'Whether users have an [account page](accounts.md#account-page). With `mail` they can also reset a [forgotten password](accounts.md#forgotten-password) and [change the address](accounts.md#change-of-email)',
  }),
  secondFactor: keyWithDefault('second_factor', {
    check: oneOf(['off', 'optional', 'required']),
    default: 'off',
    description: 'Whether users can or must have a second factor',
  }),
  secondFactorRoles: keyWithDefault('second_factor_roles', {
    check: listOf(role, 'roles', [z.refine(areUnique, 'must not list a role twice')]),
    default: [],
    description: 'The roles that need a second factor, also if `second_factor` is not `required`',
  }),
  passkeys: optionalKey('passkeys', {
    check: mapping(keysOfPasskeys),
    absent: 'no passkeys',
    description: 'Passkeys (WebAuthn) ([passkeys.md](passkeys.md))',
  }),
}

type PoolFile = FileOf<typeof keysOfPool>

/** The ways to sign in to the accounts of a pool. */
export type AccountSettings = ValuesOf<typeof keysOfPool>

const poolAccounts = mapping(keysOfPool)

const pools: Check<Record<string, PoolFile>, PerPool<AccountSettings>> = {
  schema: z.record(name.schema, poolAccounts.schema, 'must be a mapping (user pool: accounts)'),
  read: (file) => ({
    listed: new Map(Object.entries(file).map(([pool, entry]) => [pool, poolAccounts.read(entry)])),
    other: poolAccounts.read(poolAccounts.schema.parse({})),
  }),
  unit: 'mapping by user pool',
  bounds: 'pools of `apis`',
  inner: { keys: keysOfPool, step: '.<pool>.' },
}

export const accountKeys = {
  accounts: keyWithDefault('accounts', {
    check: pools,
    default: {},
    description: 'Ways to sign in. A pool that is not listed has the defaults',
  }),
}

/** The parts of config.yml that the rules compare. */
interface ComparedFile {
  issuer: string
  apis: Record<string, { users: string }>
  admin_api?: string | undefined
  mail?: unknown
  accounts: Record<string, PoolFile>
}

/** The rules between `accounts` and other keys. */
export const accountRules = [
  acrossPaths<ComparedFile>((file) =>
    Object.entries(file.accounts).flatMap(([pool, accounts]) =>
      findPoolProblems(file, pool, accounts).map(({ path, message }) => ({
        path: ['accounts', pool, ...path],
        message,
      })),
    ),
  ),
]

function findPoolProblems(file: ComparedFile, pool: string, accounts: PoolFile): PathProblem[] {
  const apis = Object.entries(file.apis)
  const hasApi = apis.some(([, api]) => api.users === pool)
  const needsMail = file.mail === undefined ? namesOfMailKeys(accounts) : []
  return [
    ...(hasApi ? [] : [{ path: [], message: 'must be a pool that an API names as users' }]),
    ...needsMail.map((key) => ({ path: [key], message: 'needs the key mail, because it sends mails' })),
    ...(accounts.sign_up && file.apis[file.admin_api ?? '']?.users === pool
      ? [{ path: ['sign_up'], message: 'must be false for the pool of admin_api' }]
      : []),
    ...(isOwnDomain(accounts.passkeys?.rp_id, file.issuer)
      ? []
      : [
          {
            path: ['passkeys', 'rp_id'],
            message: 'must be the host of the issuer or a parent domain of it, such as example.com',
          },
        ]),
  ]
}

/** The set keys of a pool that send mails. */
function namesOfMailKeys({ sign_up, email_code }: PoolFile): string[] {
  return [...(sign_up ? ['sign_up'] : []), ...(email_code === 'off' ? [] : ['email_code'])]
}

/** Whether a browser at the issuer can use passkeys of a domain (WebAuthn §5.1.3). A domain of one label has no subdomains here. */
function isOwnDomain(rpId: unknown, issuer: string): boolean {
  if (typeof rpId !== 'string' || !HOST.test(rpId)) return true
  const { hostname } = new URL(issuer)
  return hostname === rpId || (rpId.includes('.') && hostname.endsWith(`.${rpId}`))
}
