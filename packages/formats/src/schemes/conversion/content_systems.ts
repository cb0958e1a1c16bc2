import { formatDigest } from '../digest_scheme.ts'
import { HashRefused } from '../hash_scheme.ts'
import { formatPhpass, PHPASS_ALPHABET } from '../phpass_scheme.ts'
import type { ImportScheme } from './conversion.ts'

const PORTABLE = /^\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{22})$/
const DRUPAL = /^(U?)\$S\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{43})$/
const BCRYPT = /^\$2[aby]\$/
const MD5 = /^[0-9a-f]{32}$/
const NO_SALT = new Uint8Array(0)

/** phpass' portable hash, of which the fourth character is the logarithm of the rounds. */
export const phpass: ImportScheme = {
  name: 'phpass',
  usedBy: 'phpBB 3, Joomla 2.5 to 3.2, and others with phpass: $P$ and $H$',
  columns: [],
  convert: ({ hash }) => convertPortable('phpass', hash),
}

/** `$wp$2y$` since WordPress 6.8, `$P$` before, MD5 long before. WordPress changes the password first (`toWordPressForm`). */
export const wordpress: ImportScheme = {
  name: 'wordpress',
  usedBy: 'WordPress, WooCommerce: the column user_pass',
  columns: [],

  convert({ hash }) {
    if (hash.startsWith('$wp$2')) return `$wordpress${hash.slice('$wp'.length)}`
    if (BCRYPT.test(hash)) return `$wordpress-plain${hash}`
    if (MD5.test(hash)) return formatDigest({ steps: 'md5-w', salt: NO_SALT, hex: hash })
    return convertPortable('wordpress', hash)
  },
}

function convertPortable(scheme: 'phpass' | 'wordpress', text: string): string {
  const [, count = '', salt = '', hash = ''] = PORTABLE.exec(text) ?? []
  if (count === '') throw new HashRefused('broken', `${scheme}: not of the form $P$ and 31 characters`)
  const parts = { digest: 'md5' as const, ln: PHPASS_ALPHABET.indexOf(count), salt, hash }
  return formatPhpass(scheme === 'wordpress' ? { ...parts, form: 'wordpress' } : parts)
}

/** phpass with SHA-512; bcrypt since Drupal 10.1. The sign-in form trims the password. `U` in front: the hash of an MD5 from Drupal 6. */
export const drupal: ImportScheme = {
  name: 'drupal',
  usedBy: 'Drupal 7 to 10: the column pass',
  columns: [],

  convert({ hash: text }) {
    if (BCRYPT.test(text)) return `$trimmed${text}`
    const [, upgraded, count = '', salt = '', hash = ''] = DRUPAL.exec(text) ?? []
    if (count === '') throw new HashRefused('broken', 'drupal: not of the form $S$ and 52 characters')
    const parts = { digest: 'sha512' as const, ln: PHPASS_ALPHABET.indexOf(count), salt, hash }
    return formatPhpass({ ...parts, form: upgraded === 'U' ? 'trimmed-md5' : 'trimmed' })
  },
}

/** bcrypt since PrestaShop 1.7; before, MD5 of `_COOKIE_KEY_` and the password. The sign-in form trims the password. */
export const prestashop: ImportScheme = {
  name: 'prestashop',
  usedBy: 'PrestaShop: the column passwd',
  columns: [],

  convert({ hash }) {
    if (BCRYPT.test(hash)) return `$trimmed${hash}`
    if (!MD5.test(hash)) throw new HashRefused('broken', 'prestashop: neither bcrypt nor MD5 in hexadecimal')
    return formatDigest({ steps: 'md5-kt', salt: NO_SALT, hex: hash })
  },
}
