import { normalizeUsername } from '@sallyport/formats/username'
import { compact } from '../core/compact.ts'
import type { RowValues } from './file_row.ts'
import type { ImportKind } from './import_kind.ts'
import { readPassword, type WithoutPassword } from './row_password.ts'
import { listOf, requireText, textOf, truthOf } from './row_values.ts'

export interface UserRowOptions {
  /** The pool of rows without a pool. */
  pool?: string | undefined
  /** The scheme of hashes that do not name their own, in rows without a `hash_scheme`. */
  hashScheme?: string | undefined
  withoutPassword?: WithoutPassword | undefined
  /** Whether the import replaces the hashes of existing users. */
  replacesHashes?: boolean
}

export function userRows(options: UserRowOptions): ImportKind {
  return {
    what: 'users',
    one: 'user',
    operation: 'POST /users/import',
    options: options.replacesHashes ? { replace_hashes: true } : {},
    columns: [
      { name: 'pool', summary: 'the pool of users; that of --pool where absent' },
      { name: 'username', summary: 'unique in the pool; case does not count' },
      { name: 'password_hash', summary: 'a hash of a scheme in password-hashes.md' },
      {
        name: 'hash_scheme',
        summary: 'the name of its scheme; needed where the hash does not say it itself',
      },
      { name: 'salt', summary: 'the salt, for schemes that keep it apart' },
      { name: 'iterations', summary: 'of `symfony-sha512`; 5000 where absent' },
      { name: 'rounds', summary: 'of `firebase-scrypt`' },
      { name: 'memory_cost', summary: 'of `firebase-scrypt`' },
      { name: 'salt_separator', summary: 'of `firebase-scrypt`' },
      { name: 'password', summary: 'in the clear, in place of the hash: slow, 20 in a batch' },
      { name: 'roles', summary: 'separated by `,` or a vertical bar, or a JSON list', isList: true },
      { name: 'enabled', summary: '`true`, `t`, `yes`, `1`, or the opposite; `true` where absent' },
      { name: 'disabled', summary: 'the opposite of `enabled`, in its place' },
      { name: 'must_change_password', summary: 'whether the next sign-in is for a new password' },
      { name: 'name', summary: 'for operators to find them by' },
      { name: 'first_name', summary: 'with `last_name`, where there is no `name`' },
      { name: 'last_name', summary: 'the same' },
      { name: 'email', summary: 'for operators to find them by' },
    ],
    nameOf: (values) => String(values.username ?? '–'),
    keysOf: ({ pool, username }) => [
      { what: 'username', value: `${pool}\n${keyOfUsername(String(username))}` },
    ],
    toRow: (values) => toUser(values, options),
    complete: (row) => row,
    secretOf: () => null,
  }
}

/** A username that the server refuses is compared unchanged. */
export function keyOfUsername(username: string): string {
  return normalizeUsername(username) ?? username
}

function toUser(values: RowValues, { pool, hashScheme, withoutPassword = 'never' }: UserRowOptions) {
  const name = {
    pool: requireText(textOf(values, 'pool') ?? pool, 'pool', '--pool'),
    username: requireText(textOf(values, 'username'), 'username'),
  }
  const roles = listOf(values, 'roles')
  const profile = compact({ name: nameOf(values), email: textOf(values, 'email') })
  const { password, members } = readPassword(values, { hashScheme: hashScheme ?? null, withoutPassword })
  const disabled = truthOf(values, 'disabled')
  const row = compact({
    ...name,
    ...members,
    roles,
    enabled: truthOf(values, 'enabled') ?? (disabled === undefined ? undefined : !disabled),
    must_change_password: truthOf(values, 'must_change_password'),
    profile: Object.keys(profile).length > 0 ? profile : undefined,
  })
  return { row, password }
}

function nameOf(values: RowValues): string | undefined {
  const parts = [textOf(values, 'first_name'), textOf(values, 'last_name')].filter(
    (part) => part !== undefined,
  )
  return textOf(values, 'name') ?? (parts.length > 0 ? parts.join(' ') : undefined)
}
