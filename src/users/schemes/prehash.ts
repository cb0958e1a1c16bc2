import { createHash, createHmac } from 'node:crypto'
import { encodeUtf8 } from '../../lib/bytes.ts'
import type { HashKeyName } from './hash_keys.ts'
import { type HashTools, requireHashKey } from './hash_scheme.ts'

/** Keeps a byte order mark that a password begins with. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a password's UTF-8 bytes, every character of it. */
export function passwordText(password: Uint8Array): string {
  return decoder.decode(password)
}

/**
 * A password as WordPress hashes it: PHP's `trim`, after a backslash before each quote and backslash (`wp_magic_quotes`;
 * `wp_signon` takes `$_POST['pwd']` without `wp_unslash`).
 */
export function toWordPressForm(password: Uint8Array): Uint8Array {
  const slashed = passwordText(password).replace(/['"\\]/g, '\\$&')
  return encodeUtf8(slashed.replace(/^[ \n\r\t\v\0]+|[ \n\r\t\v\0]+$/g, ''))
}

/** What a system does to a password before it gives it to bcrypt. */
export interface Prehash {
  key?: HashKeyName
  /** Whether bcrypt gets a digest of the whole password, so that its limit of 72 bytes does not matter. */
  isDigest: boolean
  apply(password: Uint8Array, tools: HashTools): Uint8Array
}

export const PREHASHES: Readonly<Record<string, Prehash>> = {
  /** WordPress 6.8, `wp_hash_password`. */
  wordpress: {
    isDigest: true,
    apply: (password) =>
      encodeUtf8(createHmac('sha384', 'wp-sha384').update(toWordPressForm(password)).digest('base64')),
  },
  /** Django's BCryptSHA256PasswordHasher. */
  'django-sha256': {
    isDigest: true,
    apply: (password) => encodeUtf8(createHash('sha256').update(password).digest('hex')),
  },
  /** Devise with `config.pepper`. */
  devise: {
    key: 'devise',
    isDigest: false,
    apply: (password, { keys }) =>
      Uint8Array.from([...password, ...encodeUtf8(requireHashKey(keys, 'devise'))]),
  },
}
