import { encodeBase64, encodeUtf8 } from '../../bytes.ts'
import { HashRefused } from '../hash_scheme.ts'
import { type ImportScheme, requireBase64 } from './conversion.ts'
import { formatPbkdf2, stripPadding } from './phc.ts'

const DJANGO_PBKDF2 = /^pbkdf2_(sha1|sha256)\$(\d{1,9})\$([^$]{1,128})\$([A-Za-z0-9+/=]{22,88})$/
const DJANGO_SCRYPT = /^scrypt\$(\d{1,9})\$([^$]{1,128})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9+/=]{22,88})$/

/** `<algorithm>$…` (django.contrib.auth.hashers). The salt of PBKDF2 and scrypt is text. */
export const django: ImportScheme = {
  name: 'django',
  usedBy: 'Django: the column password',
  columns: [],

  convert({ hash: text }) {
    const [, digest, iterations, salt = '', hash = ''] = DJANGO_PBKDF2.exec(text) ?? []
    if (digest !== undefined) {
      return formatPbkdf2('django', { digest, iterations: Number(iterations), salt: encodeUtf8(salt), hash })
    }
    if (text.startsWith('argon2$')) return stripPadding(text.slice('argon2'.length))
    if (text.startsWith('bcrypt$')) return text.slice('bcrypt$'.length)
    if (text.startsWith('bcrypt_sha256$$')) return `$django-sha256${text.slice('bcrypt_sha256$'.length)}`
    return convertDjangoScrypt(text)
  },
}

function convertDjangoScrypt(text: string): string {
  const [, n, salt = '', r, p, hash = ''] = DJANGO_SCRYPT.exec(text) ?? []
  if (n === undefined) {
    throw new HashRefused(
      'broken',
      `django: not a hash of pbkdf2_sha256, pbkdf2_sha1, argon2, bcrypt or scrypt`,
    )
  }
  const ln = Math.log2(Number(n))
  if (!Number.isInteger(ln))
    throw new HashRefused('broken', 'django: the work factor of scrypt is not a power of 2')
  const bytes = requireBase64('django', 'hash', hash)
  return `$scrypt$ln=${ln},r=${r},p=${p}$${encodeBase64(encodeUtf8(salt))}$${encodeBase64(bytes)}`
}

/** The digests by the number of KeyDerivationPrf. */
const ASPNET_DIGESTS: Readonly<Record<number, string>> = { 0: 'sha1', 1: 'sha256', 2: 'sha512' }
const ASPNET_V3_HEADER_BYTES = 13
const ASPNET_V2_BYTES = 49

/** Base64 of a format marker and the parameters of PBKDF2 (PasswordHasher.cs). Numbers are big-endian. */
export const aspnetIdentity: ImportScheme = {
  name: 'aspnet-identity',
  usedBy: 'ASP.NET Core Identity (version 3), ASP.NET Identity 1 and 2 (version 2): the column PasswordHash',
  columns: [],

  convert({ hash: text }) {
    const bytes = requireBase64('aspnet-identity', 'hash', text)
    if (bytes[0] === 0 && bytes.length === ASPNET_V2_BYTES) {
      const [salt, hash] = [bytes.slice(1, 17), bytes.slice(17)]
      return formatPbkdf2('aspnet-identity', {
        digest: 'sha1',
        iterations: 1000,
        salt,
        hash: encodeBase64(hash),
      })
    }
    if (bytes[0] !== 1 || bytes.length <= ASPNET_V3_HEADER_BYTES) {
      throw new HashRefused('broken', 'aspnet-identity: the format marker is neither 0 nor 1')
    }
    return convertAspnetV3(bytes)
  },
}

function convertAspnetV3(bytes: Uint8Array): string {
  const header = new DataView(bytes.buffer, bytes.byteOffset)
  const digest = ASPNET_DIGESTS[header.getUint32(1)]
  const saltEnd = ASPNET_V3_HEADER_BYTES + header.getUint32(9)
  if (digest === undefined || saltEnd >= bytes.length) {
    throw new HashRefused('broken', 'aspnet-identity: the header of version 3 is broken')
  }
  const [salt, hash] = [bytes.slice(ASPNET_V3_HEADER_BYTES, saltEnd), bytes.slice(saltEnd)]
  const parts = { digest, iterations: header.getUint32(5), salt, hash: encodeBase64(hash) }
  return formatPbkdf2('aspnet-identity', parts)
}

/** Devise with `config.pepper`, which is the key `devise` of the Worker secret HASH_KEYS. Without a pepper it is bcrypt. */
export const devise: ImportScheme = {
  name: 'devise',
  usedBy: 'Devise (Ruby on Rails) with a pepper: the column encrypted_password',
  columns: [],
  convert: ({ hash }) => `$devise${hash}`,
}
