import { createHash } from 'node:crypto'
import { encodeUtf8 } from '../bytes.ts'
import { HashRefused, type HashScheme } from './hash_scheme.ts'
import { isTrimmable, toWordPressForm, trimPassword } from './prehash.ts'

export const PHPASS_ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const FORM =
  /^\$phpass-(md5|sha512)\$ln=(\d{1,2})(?:,form=(wordpress|trimmed|trimmed-md5))?\$([./0-9A-Za-z]{8})\$([./0-9A-Za-z]{22}|[./0-9A-Za-z]{43})$/

/** How many characters of the hash are stored: all of MD5, 258 bits of SHA-512 (Drupal). */
const LENGTHS: Readonly<Record<string, number>> = { md5: 22, sha512: 43 }

const MAX_LN = 17
const ROUNDS_PER_MS = 340

interface PhpassParts {
  digest: 'md5' | 'sha512'
  ln: number
  /** The change of the password before the hash. */
  form?: 'wordpress' | 'trimmed' | 'trimmed-md5'
  salt: string
  /** In phpass' own base64. */
  hash: string
}

/** phpass' portable hashes, of WordPress and phpBB (MD5) and Drupal (SHA-512): `$phpass-md5$ln=13$salt$hash`. */
export const phpassScheme: HashScheme = {
  name: 'phpass',
  isDigest: true,
  owns: (text) => /^\$phpass-(?:md5|sha512)\$/.test(text),

  read(text) {
    const [, digest = '', digits, form, salt = '', hash = ''] = FORM.exec(text) ?? []
    if (LENGTHS[digest] !== hash.length) {
      throw new HashRefused('broken', 'phpass: not of the form $phpass-md5$ln=…$salt$hash')
    }
    const scheme = `phpass-${digest}`
    const ln = requireAffordable(scheme, Number(digits))
    return {
      scheme,
      cost: `ln=${ln}`,
      estimatedMs: 2 ** ln / ROUNDS_PER_MS,
      expected: encodeUtf8(hash),
      ignoresPartOf: (password) => form !== undefined && isTrimmable(password),
      compute: (password) => {
        const input = applyForm(form, password)
        return encodeUtf8(encode(iterate(digest, { ln, salt, input })).slice(0, hash.length))
      },
    }
  },
}

export function formatPhpass({ digest, ln, form, salt, hash }: PhpassParts): string {
  return `$phpass-${digest}$ln=${ln}${form === undefined ? '' : `,form=${form}`}$${salt}$${hash}`
}

function requireAffordable(scheme: string, ln: number): number {
  if (ln < 7) throw new HashRefused('broken', `${scheme}: ln=${ln} is not a valid cost: at least 7`)
  if (ln > MAX_LN) throw new HashRefused('time', `${scheme}: ln=${ln} takes too long: at most ${MAX_LN}`)
  return ln
}

function applyForm(form: string | undefined, password: Uint8Array): Uint8Array {
  if (form === 'wordpress') return toWordPressForm(password)
  if (form === undefined) return password
  const trimmed = trimPassword(password)
  return form === 'trimmed' ? trimmed : encodeUtf8(createHash('md5').update(trimmed).digest('hex'))
}

function iterate(digest: string, { ln, salt, input }: { ln: number; salt: string; input: Uint8Array }) {
  let hash = createHash(digest).update(salt).update(input).digest()
  for (let i = 0; i < 2 ** ln; i++) hash = createHash(digest).update(hash).update(input).digest()
  return hash
}

/** phpass' base64: groups of three bytes, the lowest six bits first. */
function encode(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const group = bytes.subarray(i, i + 3)
    const value = group.reduce((sum, byte, j) => sum + byte * 256 ** j, 0)
    for (let j = 0; j <= group.length; j++) text += PHPASS_ALPHABET[(value >> (6 * j)) & 63]
  }
  return text
}
