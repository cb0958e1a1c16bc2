import { encodeUtf8 } from '../../../lib/bytes.ts'
import { formatDigest } from '../digest_scheme.ts'
import { HashRefused } from '../hash_scheme.ts'
import { formatPhpass, PHPASS_ALPHABET } from '../phpass_scheme.ts'
import { type HashColumns, type ImportScheme, requireBase64 } from './conversion.ts'

const PORTABLE = /^\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{22})$/
const DRUPAL = /^(U?)\$S\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{43})$/
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
    if (/^\$2[aby]\$/.test(hash)) return hash
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

/** phpass with SHA-512; with a `U` in front, of the MD5 that Drupal 6 had stored. */
export const drupal: ImportScheme = {
  name: 'drupal',
  usedBy: 'Drupal 7 to 10: the column pass',
  columns: [],

  convert({ hash: text }) {
    if (/^\$(?:2[aby]|argon2id)\$/.test(text)) return text
    const [, upgraded, count = '', salt = '', hash = ''] = DRUPAL.exec(text) ?? []
    if (count === '') throw new HashRefused('broken', 'drupal: not of the form $S$ and 52 characters')
    const parts = { digest: 'sha512' as const, ln: PHPASS_ALPHABET.indexOf(count), salt, hash }
    return formatPhpass(upgraded === 'U' ? { ...parts, form: 'md5' } : parts)
  },
}

/** bcrypt since PrestaShop 1.7; before, MD5 of `_COOKIE_KEY_` and the password. */
export const prestashop: ImportScheme = {
  name: 'prestashop',
  usedBy: 'PrestaShop: the column passwd',
  columns: [],

  convert({ hash }) {
    if (/^\$(?:2[aby]|argon2id)\$/.test(hash)) return hash
    if (!MD5.test(hash)) throw new HashRefused('broken', 'prestashop: neither bcrypt nor MD5 in hexadecimal')
    return formatDigest({ steps: 'md5-kp', salt: NO_SALT, hex: hash })
  },
}

/** The digests of LDAP (RFC 2307, and with a salt OpenLDAP): the salt is what follows the digest's bytes. */
const LDAP: Readonly<Record<string, { algorithm: string; bytes: number; isSalted: boolean }>> = {
  MD5: { algorithm: 'md5', bytes: 16, isSalted: false },
  SMD5: { algorithm: 'md5', bytes: 16, isSalted: true },
  SHA: { algorithm: 'sha1', bytes: 20, isSalted: false },
  SSHA: { algorithm: 'sha1', bytes: 20, isSalted: true },
  SHA256: { algorithm: 'sha256', bytes: 32, isSalted: false },
  SSHA256: { algorithm: 'sha256', bytes: 32, isSalted: true },
  SHA512: { algorithm: 'sha512', bytes: 64, isSalted: false },
  SSHA512: { algorithm: 'sha512', bytes: 64, isSalted: true },
}

export const ldap: ImportScheme = {
  name: 'ldap',
  usedBy: 'OpenLDAP, 389 Directory Server and others: userPassword with {SSHA} and the like',
  columns: [],

  convert({ hash: text }) {
    const [, name = '', encoded = ''] = /^\{([A-Za-z0-9]+)\}(.*)$/.exec(text) ?? []
    const kind = LDAP[name.toUpperCase()]
    if (kind === undefined) {
      throw new HashRefused(
        'unsupported',
        `ldap: {${name}} is not supported: only ${Object.keys(LDAP).join(', ')}`,
      )
    }
    const bytes = requireBase64('ldap', 'hash', encoded)
    const salt = bytes.slice(kind.bytes)
    if (bytes.length < kind.bytes || kind.isSalted !== salt.length > 0) {
      throw new HashRefused(
        'broken',
        `ldap: {${name}} has not the bytes of its digest${kind.isSalted ? ' and a salt' : ''}`,
      )
    }
    const hex = Buffer.from(bytes.slice(0, kind.bytes)).toString('hex')
    return formatDigest({ steps: `${kind.algorithm}-${kind.isSalted ? 'ps' : 'p'}`, salt, hex })
  },
}

/** A digest in hexadecimal, of the password alone or with the salt in front of it or behind. */
function hexDigest(algorithm: string, length: number): ImportScheme[] {
  const toStored = (name: string, order: string) => (columns: HashColumns) => {
    const hex = columns.hash.toLowerCase()
    if (!/^[0-9a-f]+$/.test(hex) || hex.length !== length) {
      throw new HashRefused('broken', `${name}: not ${length} hexadecimal characters`)
    }
    if (order !== 'p' && !columns.salt) throw new HashRefused('broken', `${name}: needs the column salt`)
    const salt = order === 'p' ? NO_SALT : encodeUtf8(columns.salt ?? '')
    return formatDigest({ steps: `${algorithm}-${order}`, salt, hex })
  }
  const scheme = (name: string, order: string, usedBy: string): ImportScheme => ({
    name,
    usedBy,
    columns: order === 'p' ? [] : ['salt'],
    convert: toStored(name, order),
  })
  return [
    scheme(algorithm, 'p', `${algorithm}(password) in hexadecimal`),
    scheme(`${algorithm}-salt-password`, 'sp', `${algorithm}(salt, password) in hexadecimal`),
    scheme(`${algorithm}-password-salt`, 'ps', `${algorithm}(password, salt) in hexadecimal`),
  ]
}

export const HEX_DIGESTS: readonly ImportScheme[] = [
  ...hexDigest('md5', 32),
  ...hexDigest('sha1', 40),
  ...hexDigest('sha256', 64),
  ...hexDigest('sha512', 128),
]
