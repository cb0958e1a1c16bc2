import { decodeBase64 } from '../../bytes.ts'
import { HashRefused, type RefusalCause } from '../hash_scheme.ts'
import { isFastHash, readHash } from '../read_hash.ts'

/** The columns that an export may have for one hash. Each scheme lists those that it reads. */
export interface HashColumns {
  /** The hash as the other system stores it. */
  hash: string
  /** The salt column, unchanged. */
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
  /** The columns that the scheme reads in addition to `hash`. */
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

/** A hash in its stored form, or the reason of its refusal, for an operator and without a part of the hash. */
export type Conversion =
  | { isAccepted: true; scheme: string; stored: string; cost: string; isFast: boolean }
  | { isAccepted: false; scheme: string | null; cause: RefusalCause; reason: string; alternative: string }

const NEW_PASSWORD =
  'import the user without a password (no_password, or --reset unsupported), and send your password reset'

const ALTERNATIVES: Readonly<Record<RefusalCause, string>> = {
  unknown: 'name the scheme of the hash (docs/password-hashes.md#import-schemes)',
  unsupported: NEW_PASSWORD,
  broken: `export the row again, or ${NEW_PASSWORD}`,
  memory: NEW_PASSWORD,
  time: NEW_PASSWORD,
  key: 'set the key (docs/password-hashes.md#keys), then import again',
}

/** Longer texts are not hashes. A credential of Keycloak has about 500 characters. */
const MAX_LENGTH = 4096

/**
 * Converts a hash.
 *
 * @param name The name of the scheme; null if neither the operator nor the text gives it.
 * @param toStored Gives the stored form. @throws HashRefused
 */
export function toConversion(name: string | null, { hash }: HashColumns, toStored: () => string): Conversion {
  try {
    if (hash.length > MAX_LENGTH) throw new HashRefused('broken', `longer than ${MAX_LENGTH} characters`)
    const stored = toStored()
    const { scheme, cost } = readHash(stored)
    return { isAccepted: true, scheme: name ?? scheme, stored, cost, isFast: isFastHash(stored) }
  } catch (error) {
    if (!(error instanceof HashRefused)) throw error
    const { refusalCause: cause, message } = error
    const reason = name === null || message.startsWith(`${name}: `) ? message : `${name}: ${message}`
    return { isAccepted: false, scheme: name, cause, reason, alternative: ALTERNATIVES[cause] }
  }
}
