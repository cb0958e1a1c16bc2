import { createHash, createHmac } from 'node:crypto'
import { encodeUtf8 } from '../bytes.ts'
import type { HashKeyName } from './hash_keys.ts'
import { type HashTools, requireHashKey } from './hash_scheme.ts'

/** Keeps a byte order mark that a password begins with. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a password's UTF-8 bytes, every character of it. */
export function passwordText(password: Uint8Array): string {
  return decoder.decode(password)
}

/** A password without PHP's white space around it (`trim`). */
export function trimPassword(password: Uint8Array): Uint8Array {
  return encodeUtf8(passwordText(password).replace(/^[ \n\r\t\v\0]+|[ \n\r\t\v\0]+$/g, ''))
}

export function isTrimmable(password: Uint8Array): boolean {
  return trimPassword(password).length < password.length
}

/**
 * A password as WordPress hashes it: with a backslash before each quote and backslash (`wp_magic_quotes`; `wp_signon`
 * takes `$_POST['pwd']` without `wp_unslash`), then trimmed.
 */
export function toWordPressForm(password: Uint8Array): Uint8Array {
  return trimPassword(encodeUtf8(passwordText(password).replace(/['"\\]/g, '\\$&')))
}

/** The change that a system makes to a password before bcrypt. */
interface Prehash {
  key?: HashKeyName
  /** Whether bcrypt gets a digest of the password, so that its limit of 72 bytes does not matter. */
  isDigest: boolean
  /** Whether white space around the password is ignored. */
  isTrimmed: boolean
  apply(password: Uint8Array, tools: HashTools): Uint8Array
}

export const PREHASHES: Readonly<Record<string, Prehash>> = {
  /** WordPress 6.8, `wp_hash_password`. */
  wordpress: {
    isDigest: true,
    isTrimmed: true,
    apply: (password) =>
      encodeUtf8(createHmac('sha384', 'wp-sha384').update(toWordPressForm(password)).digest('base64')),
  },
  /** bcrypt in WordPress by a plugin. */
  'wordpress-plain': { isDigest: false, isTrimmed: true, apply: toWordPressForm },
  /** Drupal 10 and PrestaShop 1.7 trim the password at the sign-in. */
  trimmed: { isDigest: false, isTrimmed: true, apply: trimPassword },
  /** Django's BCryptSHA256PasswordHasher. */
  'django-sha256': {
    isDigest: true,
    isTrimmed: false,
    apply: (password) => encodeUtf8(createHash('sha256').update(password).digest('hex')),
  },
  /** Devise with `config.pepper`. */
  devise: {
    key: 'devise',
    isDigest: false,
    isTrimmed: false,
    apply: (password, { keys }) =>
      Uint8Array.from([...password, ...encodeUtf8(requireHashKey(keys, 'devise'))]),
  },
}
