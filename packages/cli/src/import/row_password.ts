import type { Conversion, HashColumns } from '@sallyport/formats/schemes/conversion/conversion'
import { convertHash, IMPORT_SCHEMES } from '@sallyport/formats/schemes/conversion/convert_hash'
import { findMisplacedHash, recogniseHash } from '@sallyport/formats/schemes/conversion/self_describing'
import { compact } from '../core/compact.ts'
import type { RowValues } from './file_row.ts'
import { integerOf, RowRefused, readAll, textOf } from './row_values.ts'

/** Which users are imported without a password: none, those without a hash, or also those whose hash cannot be checked. */
export type WithoutPassword = 'never' | 'missing' | 'unsupported'

interface PasswordRules {
  hashScheme: string | null
  withoutPassword: WithoutPassword
}

/** The members of a row about its password, and the kind that the dry run counts. */
interface RowPassword {
  members: { password?: string; password_hash?: string; no_password?: true }
  password: string
}

const NO_PASSWORD: RowPassword = { members: { no_password: true }, password: 'no password' }

/**
 * Causes of a refusal that an operator cannot remove. A broken hash, a hash without a named scheme and a hash whose key is missing may be
 * a mistake of this import, and are refused.
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
  if (password !== undefined) return plainPassword(password)
  if (hash === undefined) {
    if (withoutPassword !== 'never') return NO_PASSWORD
    throw new RowRefused(
      'password_hash: is required, unless the row has a password; --reset missing imports users without a password',
    )
  }
  const conversion = convert(values, hash, hashScheme)
  if (conversion.isAccepted) {
    // A column may have hashes of several schemes. A hash that stays unchanged counts by the scheme that it names.
    const own = conversion.stored === hash ? recogniseHash(hash) : null
    return { members: { password_hash: conversion.stored }, password: own ?? conversion.scheme }
  }
  if (withoutPassword === 'unsupported' && UNSUPPORTED.includes(conversion.cause)) return NO_PASSWORD
  const alternative = conversion.cause === 'unknown' ? NAME_IT : conversion.alternative
  throw new RowRefused(`password_hash: ${conversion.reason}; ${alternative}`)
}

/** @throws RowRefused for a hash: its user could not sign in with the password of the hash */
function plainPassword(password: string): RowPassword {
  const scheme = findMisplacedHash(password)
  if (scheme === null) return { members: { password }, password: 'plain password' }
  throw new RowRefused(
    `password: is a password hash (${scheme}); --map password=password_hash imports it as a hash`,
  )
}

/**
 * The scheme of the row counts before that of the import. A file may have hashes of several ages: a hash that does not fit the
 * scheme of the import and names its own scheme is converted by its own.
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
  const columns = readAll({
    salt: () => textOf(values, 'salt'),
    iterations: () => integerOf(values, 'iterations'),
    rounds: () => integerOf(values, 'rounds'),
    memoryCost: () => integerOf(values, 'memory_cost'),
    saltSeparator: () => textOf(values, 'salt_separator'),
  })
  return { ...compact(columns), hash }
}
