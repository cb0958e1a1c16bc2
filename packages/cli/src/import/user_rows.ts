import { EMAIL_RULE, isEmail } from '@sallyport/formats/email'
import { findLocale, LOCALE_RULE } from '@sallyport/formats/locale'
import { isRole, ROLE_RULE } from '@sallyport/formats/role'
import { findUsernameProblem, normalizeUsername } from '@sallyport/formats/username'
import { PROFILE_FIELDS } from '../api/record_fields.ts'
import type { Profile } from '../api/schemas.ts'
import { compact } from '../core/compact.ts'
import type { RowValues } from './file_row.ts'
import type { ImportKind } from './import_kind.ts'
import { readPassword, type WithoutPassword } from './row_password.ts'
import { listOf, RowRefused, readAll, requireText, textOf, truthOf } from './row_values.ts'

export interface UserRowOptions {
  /** The pool of rows without a pool. */
  pool?: string | undefined
  /** The scheme of hashes that do not name their own, in rows without a `hash_scheme`. */
  hashScheme?: string | undefined
  withoutPassword?: WithoutPassword | undefined
  /** Whether the import replaces the hashes of existing users. */
  replacesHashes?: boolean
  /** The email addresses that become verified: all, or those of the rows whose `email_verified` is true. Absent: no address. */
  verifiedEmails?: 'all' | 'column' | undefined
}

export function userRows(options: UserRowOptions): ImportKind {
  return {
    what: 'users',
    one: 'user',
    operation: 'POST /users/import',
    options: compact({
      replace_hashes: options.replacesHashes ? true : undefined,
      emails_verified: options.verifiedEmails === undefined ? undefined : true,
    }),
    columns: [
      { name: 'pool', summary: 'Pool of users; defaults to --pool' },
      { name: 'username', summary: 'Username, unique in the pool, without regard to case' },
      { name: 'password_hash', summary: 'Hash of a scheme in password-hashes.md' },
      {
        name: 'hash_scheme',
        summary: 'Name of the scheme; required if the hash does not contain it',
      },
      { name: 'salt', summary: 'Salt, for schemes with a separate salt' },
      { name: 'iterations', summary: 'Iterations of `symfony-sha512`; defaults to 5000' },
      { name: 'rounds', summary: 'Parameter of `firebase-scrypt`' },
      { name: 'memory_cost', summary: 'Parameter of `firebase-scrypt`' },
      { name: 'salt_separator', summary: 'Parameter of `firebase-scrypt`' },
      { name: 'password', summary: 'Password in plain text, instead of a hash. Slow: at most 20 in a batch' },
      {
        name: 'roles',
        summary: 'Roles without spaces, separated by `,` or a vertical bar, or a JSON list',
        isList: true,
      },
      {
        name: 'enabled',
        summary: '`true`, `t`, `yes` or `1`; or `false`, `f`, `no` or `0`; defaults to `true`',
      },
      {
        name: 'disabled',
        summary:
          'The opposite of `enabled`. Use only one of the two columns: if a row has both, `enabled` applies',
      },
      { name: 'must_change_password', summary: 'true: the user must set a new password' },
      ...PROFILE_FIELDS.map(({ name, description }) => ({ name, summary: SUMMARIES[name] ?? description })),
      {
        name: 'email_verified',
        summary: 'Whether the address is verified; used only with `--emails-verified column`',
      },
    ],
    names: ['name', 'given_name', 'family_name'],
    nameOf: (values) => String(values.username ?? '–'),
    keysOf: ({ pool, username }) => [
      { what: 'username', value: `${pool}\n${keyOfUsername(String(username))}` },
    ],
    toRow: (values) => toUser(values, options),
    complete: (row) => row,
    secretOf: () => null,
  }
}

/** The summaries of columns with a rule that the field itself does not have. */
const SUMMARIES: Readonly<Record<string, string>> = {
  name: 'Full name, for display; defaults to `given_name` and `family_name`',
  email: 'Email address, stored in lower case. A row with a malformed address is refused',
}

/** A username that the server refuses is compared unchanged. */
export function keyOfUsername(username: string): string {
  return normalizeUsername(username) ?? username
}

function toUser(
  values: RowValues,
  { pool, hashScheme, withoutPassword = 'never', verifiedEmails }: UserRowOptions,
) {
  const read = readAll({
    pool: () => requireText(textOf(values, 'pool') ?? pool, 'pool', '--pool'),
    username: () => usernameOf(values),
    password: () => readPassword(values, { hashScheme: hashScheme ?? null, withoutPassword }),
    roles: () => rolesOf(values),
    enabled: () => truthOf(values, 'enabled'),
    disabled: () => truthOf(values, 'disabled'),
    mustChange: () => truthOf(values, 'must_change_password'),
    profile: () => profileOf(values),
    isVerified: () =>
      verifiedEmails === 'column' ? truthOf(values, 'email_verified') : verifiedEmails === 'all',
  })
  const { profile, isVerified } = read
  const row = compact({
    pool: read.pool,
    username: read.username,
    ...read.password.members,
    roles: read.roles,
    enabled: read.enabled ?? (read.disabled === undefined ? undefined : !read.disabled),
    must_change_password: read.mustChange,
    profile: Object.keys(profile).length > 0 ? profile : undefined,
    email_verified: isVerified && profile.email !== undefined ? true : undefined,
  })
  return { row, password: read.password.password }
}

/** The checks of the server, so that a report has every problem of a row. @throws RowRefused */
function usernameOf(values: RowValues): string {
  const username = requireText(textOf(values, 'username'), 'username')
  const problem = findUsernameProblem(username)
  if (problem !== null) throw new RowRefused(`username: the username ${problem}`)
  return username
}

/** @throws RowRefused */
function rolesOf(values: RowValues): string[] | undefined {
  const roles = listOf(values, 'roles')
  const wrong = roles?.find((role) => !isRole(role))
  if (wrong !== undefined) throw new RowRefused(`roles: ${ROLE_RULE}`)
  return roles
}

/** The rules of the texts of a profile; null for a valid text. */
const FINDERS: Readonly<Record<string, (text: string) => string | null>> = {
  email: (text) => (isEmail(text) ? null : EMAIL_RULE),
  locale: (text) => (findLocale(text) === null ? LOCALE_RULE : null),
}

/** The profile of a row. The name defaults to the given name with the family name. @throws RowRefused */
function profileOf(values: RowValues): Profile {
  const readers = PROFILE_FIELDS.map(({ name }) => [name, () => profileTextOf(values, name)] as const)
  const profile: Profile = compact(readAll(Object.fromEntries(readers)))
  const { given_name, family_name } = profile
  const parts = [given_name, family_name].filter((part) => part !== undefined)
  return parts.length > 0 ? { name: parts.join(' '), ...profile } : profile
}

/** @throws RowRefused */
function profileTextOf(values: RowValues, name: string): string | undefined {
  const text = textOf(values, name)
  const problem = text === undefined ? null : (FINDERS[name]?.(text) ?? null)
  if (problem !== null) throw new RowRefused(`${name}: ${problem}`)
  return text
}
