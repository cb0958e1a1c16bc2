import { encodeUtf8 } from '../../bytes.ts'
import { formatDigest } from '../digest_scheme.ts'
import { HashRefused } from '../hash_scheme.ts'
import type { HashColumns, ImportScheme } from './conversion.ts'

const NO_SALT = new Uint8Array(0)

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
