import { decodeBase64 } from '../../../lib/bytes.ts'
import { HashRefused } from '../hash_scheme.ts'

/** The columns that an export may have for one hash. Each scheme says which it reads. */
export interface HashColumns {
  /** The hash as the other system stores it. */
  hash: string
  /** The salt column, as it is. */
  salt?: string
  iterations?: number
  /** Firebase: `rounds` of the project's password hash parameters. */
  rounds?: number
  /** Firebase: `mem_cost` of the same. */
  memoryCost?: number
  /** Firebase: `base64_salt_separator` of the same. */
  saltSeparator?: string
}

/** A hash scheme of another system, by the name that an operator gives it. */
export interface ImportScheme {
  name: string
  /** Which systems store it, for help texts and docs. */
  usedBy: string
  /** The columns that it reads beside `hash`. */
  columns: readonly Exclude<keyof HashColumns, 'hash'>[]
  /** The stored form (docs/password-hashes.md#stored-forms). @throws HashRefused */
  convert(columns: HashColumns): string
}

/** @throws HashRefused */
export function requireBase64(scheme: string, what: string, text: string): Uint8Array {
  const bytes = decodeBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
  if (!bytes) throw new HashRefused('broken', `${scheme}: the ${what} is not base64`)
  return bytes
}

/** @throws HashRefused where the column is absent */
export function requireColumn<K extends ImportScheme['columns'][number]>(
  scheme: string,
  columns: HashColumns,
  name: K,
): NonNullable<HashColumns[K]> {
  const value = columns[name]
  if (value === undefined || value === '') {
    throw new HashRefused('broken', `${scheme}: needs the column ${name}`)
  }
  return value as NonNullable<HashColumns[K]>
}
