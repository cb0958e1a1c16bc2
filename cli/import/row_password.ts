import type { Conversion, HashColumns } from '../../src/users/schemes/conversion/conversion.ts'
import { convertHash, IMPORT_SCHEMES } from '../../src/users/schemes/conversion/convert_hash.ts'
import { recogniseHash } from '../../src/users/schemes/conversion/self_describing.ts'
import type { RowValues } from './file_row.ts'
import { given, integerOf, RowRefused, textOf } from './row_values.ts'

/** Which users are imported without a password: those who bring none, and perhaps those whose hash cannot be checked. */
export type WithoutPassword = 'never' | 'missing' | 'unsupported'

interface PasswordRules {
  hashScheme: string | null
  withoutPassword: WithoutPassword
}

/** What the admin API is sent of a password, and what the dry run counts it as. */
interface RowPassword {
  members: { password?: string; password_hash?: string; no_password?: true }
  password: string
}

const NO_PASSWORD: RowPassword = { members: { no_password: true }, password: 'no password' }

/**
 * Why a hash cannot be checked here whatever the operator does. A hash that is broken, that no scheme is named for or whose
 * key is missing may be a mistake of this import, and is refused.
 */
const UNSUPPORTED: readonly string[] = ['unsupported', 'memory', 'time']

const NAME_IT = `name it in the column hash_scheme or by --hash-scheme: ${IMPORT_SCHEMES.map(({ name }) => name).join(', ')}`

/** The password of a row, or its hash in the stored form. No scheme is guessed. @throws RowRefused */
export function readPassword(values: RowValues, { hashScheme, withoutPassword }: PasswordRules): RowPassword {
  const password = textOf(values, 'password')
  const hash = textOf(values, 'password_hash')
  if (password !== undefined && hash !== undefined) {
    throw new RowRefused('password: must be absent where there is a password_hash')
  }
  if (password !== undefined) return { members: { password }, password: 'plain password' }
  if (hash === undefined) {
    if (withoutPassword !== 'never') return NO_PASSWORD
    throw new RowRefused('password_hash: is needed, or password (or --reset missing)')
  }
  const conversion = convert(values, hash, hashScheme)
  if (conversion.isAccepted) {
    // A scheme whose column also has hashes of others leaves those as they are.
    const own = conversion.stored === hash ? recogniseHash(hash) : null
    return { members: { password_hash: conversion.stored }, password: own ?? conversion.scheme }
  }
  if (withoutPassword === 'unsupported' && UNSUPPORTED.includes(conversion.cause)) return NO_PASSWORD
  const alternative = conversion.cause === 'unknown' ? NAME_IT : conversion.alternative
  throw new RowRefused(`password_hash: ${conversion.reason}; ${alternative}`)
}

/**
 * The scheme of the row counts before that of the whole import. A file may have hashes of several ages: where the scheme of
 * the import does not fit, a hash that says its own scheme is converted by that.
 */
function convert(values: RowValues, hash: string, hashScheme: string | null): Conversion {
  const columns = columnsOf(values, hash)
  const named = convertHash(textOf(values, 'hash_scheme') ?? hashScheme, columns)
  const isExact = textOf(values, 'hash_scheme') !== undefined || hashScheme === null
  if (isExact || named.isAccepted || named.cause !== 'broken') return named
  const own = convertHash(null, columns)
  return own.isAccepted || own.cause !== 'unknown' ? own : named
}

function columnsOf(values: RowValues, hash: string): HashColumns {
  const columns = given({
    salt: textOf(values, 'salt'),
    iterations: integerOf(values, 'iterations'),
    rounds: integerOf(values, 'rounds'),
    memoryCost: integerOf(values, 'memory_cost'),
    saltSeparator: textOf(values, 'salt_separator'),
  })
  return { ...columns, hash }
}
