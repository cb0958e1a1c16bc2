import { formatDigest } from '../digest_scheme.ts'
import { HashRefused } from '../hash_scheme.ts'
import { type ImportScheme, requireBase64 } from './conversion.ts'

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
  usedBy: 'OpenLDAP, 389 Directory Server and others: userPassword with {SSHA} and similar schemes',
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
        `ldap: {${name}} does not have the bytes of its digest${kind.isSalted ? ' and a salt' : ''}`,
      )
    }
    const hex = Buffer.from(bytes.slice(0, kind.bytes)).toString('hex')
    return formatDigest({ steps: `${kind.algorithm}-${kind.isSalted ? 'ps' : 'p'}`, salt, hex })
  },
}
