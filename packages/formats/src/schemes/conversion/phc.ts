import { encodeBase64 } from '../../bytes.ts'
import { HashRefused } from '../hash_scheme.ts'
import { formatSymfonyHash } from '../symfony_scheme.ts'
import { type ImportScheme, requireBase64 } from './conversion.ts'

interface Pbkdf2Parts {
  digest: string
  iterations: number
  salt: Uint8Array
  /** Base64, padded or not. */
  hash: string
}

/** The stored form of PBKDF2. @throws HashRefused */
export function formatPbkdf2(scheme: string, { digest, iterations, salt, hash }: Pbkdf2Parts): string {
  const bytes = requireBase64(scheme, 'hash', hash)
  const cost = `i=${iterations},l=${bytes.length}`
  return `$pbkdf2-${digest}$${cost}$${encodeBase64(salt)}$${encodeBase64(bytes)}`
}

/** A PHC string without the padding of its base64 parts. */
export function stripPadding(text: string): string {
  return text.replace(/={1,2}(?=\$|$)/g, '')
}

function phc(name: string, usedBy: string): ImportScheme {
  return { name, usedBy, columns: [], convert: ({ hash }) => stripPadding(hash) }
}

export const argon2id = phc('argon2id', 'PHP, libsodium, Symfony’s sodium, any PHC string')
export const bcrypt = phc('bcrypt', 'PHP, Laravel, Auth0, Devise without a pepper')
export const scrypt = phc('scrypt', 'passlib, any PHC string')

/** PHC strings and passlib's, which writes `$pbkdf2$` where the digest is SHA-1. */
export const pbkdf2: ImportScheme = {
  name: 'pbkdf2',
  usedBy: 'passlib, any PHC string',
  columns: [],
  convert: ({ hash }) =>
    stripPadding(hash)
      .replace(/^\$pbkdf2\$/, '$pbkdf2-sha1$')
      .replace(/^\$pbkdf2-sha1\$(\d)/, '$pbkdf2-sha1$i=$1'),
}

const SYMFONY_ITERATIONS = 5000

/** Symfony's MessageDigestPasswordHasher with `sha512` and base64. */
export const symfony: ImportScheme = {
  name: 'symfony-sha512',
  usedBy: 'Symfony’s MessageDigestPasswordHasher, older OroCommerce: the columns password and salt',
  columns: ['salt', 'iterations'],

  convert({ hash, salt = '', iterations = SYMFONY_ITERATIONS }) {
    // Symfony's migrating hasher keeps both kinds in the column. The salt column of the newer ones means nothing.
    if (/^\$(?:2[aby]|argon2id)\$/.test(hash)) return stripPadding(hash)
    return formatSymfonyHash({ hash, salt, iterations })
  },
}

/** Texts in a form of docs/password-hashes.md that this service alone writes. */
export const sallyport: ImportScheme = {
  name: 'sallyport',
  usedBy: 'Sallyport itself: the column password_hash',
  columns: [],
  convert: ({ hash }) => hash,
}

/** Spring Security's DelegatingPasswordEncoder: the encoder's name in braces. */
export const spring: ImportScheme = {
  name: 'spring',
  usedBy: 'Spring Security’s DelegatingPasswordEncoder',
  columns: [],

  convert({ hash: text }) {
    const [, encoder = '', hash = ''] = /^\{([\w@.-]+)\}(.*)$/.exec(text) ?? []
    if (encoder === 'bcrypt') return hash
    if (/^argon2(?:@|$)/.test(encoder)) return stripPadding(hash)
    throw new HashRefused(
      'unsupported',
      `spring: the encoder {${encoder}} is not supported: only {bcrypt} and {argon2}`,
    )
  },
}
