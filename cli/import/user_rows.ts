import { convertHash } from '../../src/users/schemes/conversion/convert_hash.ts'
import { normalizeUsername } from '../../src/users/username.ts'
import type { RowValues } from './file_row.ts'
import type { ImportKind } from './import_kind.ts'
import { given, integerOf, listOf, RowRefused, textOf, truthOf } from './row_values.ts'

/** @param pool Of rows that name none. */
export function userRows(pool: string | undefined): ImportKind {
  return {
    what: 'people',
    one: 'person',
    operation: 'POST /users/import',
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
      { name: 'password', summary: 'in the clear, in place of the hash: slow, 20 in a batch' },
      { name: 'roles', summary: 'with `,` or `|` between them, or a JSON list', isList: true },
      { name: 'enabled', summary: '`true`, `t`, `yes`, `1`, or the opposite; `true` where absent' },
      { name: 'must_change_password', summary: 'whether the next sign-in is for a new password' },
      { name: 'name', summary: 'for operators to find them by' },
      { name: 'email', summary: 'the same' },
    ],
    nameOf: (values) => String(values.username ?? '–'),
    keysOf: ({ pool, username }) => [
      { what: 'username', value: `${pool}\n${keyOfUsername(String(username))}` },
    ],
    toRow: (values) => toUser(values, pool),
    complete: (row) => row,
    secretOf: () => null,
  }
}

/** A name that the server refuses anyway is its own key. */
function keyOfUsername(username: string): string {
  return normalizeUsername(username) ?? username
}

function toUser(values: RowValues, pool: string | undefined) {
  const profile = given({ name: textOf(values, 'name'), email: textOf(values, 'email') })
  return given({
    pool: requireText(textOf(values, 'pool') ?? pool, 'pool'),
    username: requireText(textOf(values, 'username'), 'username'),
    password: textOf(values, 'password'),
    password_hash: hashOf(values),
    roles: listOf(values, 'roles'),
    enabled: truthOf(values, 'enabled'),
    must_change_password: truthOf(values, 'must_change_password'),
    profile: Object.keys(profile).length > 0 ? profile : undefined,
  })
}

export function requireText(text: string | undefined, column: string): string {
  if (text === undefined) throw new RowRefused(`${column}: is needed`)
  return text
}

/** @throws RowRefused */
function hashOf(values: RowValues): string | undefined {
  const hash = textOf(values, 'password_hash')
  if (hash === undefined) return undefined
  const [salt, iterations] = [textOf(values, 'salt'), integerOf(values, 'iterations')]
  const conversion = convertHash(textOf(values, 'hash_scheme') ?? null, {
    hash,
    ...(salt === undefined ? {} : { salt }),
    ...(iterations === undefined ? {} : { iterations }),
  })
  if (conversion.isAccepted) return conversion.stored
  throw new RowRefused(`password_hash: ${conversion.reason}; ${conversion.alternative}`)
}
