import { HashRefused } from '../hash_scheme.ts'
import { drupal, phpass, wordpress } from './content_systems.ts'
import { type Conversion, type ImportScheme, toConversion } from './conversion.ts'
import { ldap } from './digests.ts'
import { magento2 } from './magento.ts'
import { argon2id, bcrypt, pbkdf2, sallyport, scrypt, spring } from './phc.ts'
import { UNSUPPORTED } from './unsupported.ts'
import { django } from './web_frameworks.ts'

/** The beginnings by which a text names its own scheme. The first that fits counts. */
const SELF_DESCRIBING: readonly { form: RegExp; scheme: ImportScheme }[] = [
  { form: /^\$argon2id\$/, scheme: argon2id },
  { form: /^\$2[aby]\$/, scheme: bcrypt },
  { form: /^\$scrypt\$/, scheme: scrypt },
  { form: /^\$pbkdf2(?:-sha1|-sha256|-sha512)?\$/, scheme: pbkdf2 },
  { form: /^\$wp\$2/, scheme: wordpress },
  { form: /^\$[PH]\$/, scheme: phpass },
  { form: /^U?\$S\$/, scheme: drupal },
  { form: /^(?:pbkdf2_sha1|pbkdf2_sha256|argon2|bcrypt|bcrypt_sha256|scrypt)\$/, scheme: django },
  { form: /^\{(?:bcrypt|argon2(?:@\w+)?|pbkdf2(?:@\w+)?|scrypt(?:@\w+)?|noop)\}/, scheme: spring },
  { form: /^\{(?:S?MD5|S?SHA(?:256|512)?)\}/i, scheme: ldap },
  { form: /^[0-9a-f]{32,128}:[^:$]*:(?:\d:)*3_\d+_\d+_\d+$/, scheme: magento2 },
  {
    form: /^\$(?:digest|symfony-sha512|phpass-\w+|wordpress|wordpress-plain|trimmed|django-sha256|devise|firebase-scrypt)\$/,
    scheme: sallyport,
  },
]

/** Converts a text that names its own scheme. Every other text is refused: a scheme is never guessed. */
export function convertSelfDescribing(text: string): Conversion {
  const scheme = find(text)
  return toConversion(scheme?.name ?? null, { hash: text }, () => {
    if (scheme === undefined) throw refusal(text)
    return scheme.convert({ hash: text })
  })
}

/** The import scheme that a text names; null where it names none, or one that is not supported. */
export function recogniseHash(text: string): string | null {
  return find(text)?.name ?? null
}

/** Beginnings that only a hash has, so that also a shortened hash is found. */
const ONLY_OF_HASHES =
  /^\$(?:2[abxy]?\$\d\d\$|argon2(?:id|i|d)\$|scrypt\$|pbkdf2(?:-\w+)?\$|(?:1|5|6|y|gy|7|apr1)\$.{20})/

/**
 * Finds a password hash where a plain password is expected.
 *
 * @returns the scheme of the hash; null for a text that can be a password. A hash without the name of its scheme is such a text
 */
export function findMisplacedHash(text: string): string | null {
  const conversion = convertSelfDescribing(text)
  const isWhole = conversion.isAccepted || ['memory', 'time', 'key'].includes(conversion.cause)
  if (!isWhole && !ONLY_OF_HASHES.test(text)) return null
  return conversion.scheme ?? text.split('$')[1] ?? null
}

/** Whether an import of the row costs the server one Argon2id hash: for a plain password, or to wrap a fast hash. */
export function needsHash(row: Readonly<Record<string, unknown>>): boolean {
  if (row.password !== undefined) return true
  if (typeof row.password_hash !== 'string') return false
  const conversion = convertSelfDescribing(row.password_hash)
  return conversion.isAccepted && conversion.isFast
}

function find(text: string): ImportScheme | undefined {
  return SELF_DESCRIBING.find(({ form }) => form.test(text))?.scheme
}

function refusal(text: string): HashRefused {
  const unsupported = UNSUPPORTED.find(({ form }) => form.test(text))
  if (unsupported === undefined) {
    return new HashRefused('unknown', 'the hash does not name its scheme, and no scheme is given')
  }
  return new HashRefused('unsupported', `${unsupported.name}: not supported: ${unsupported.reason}`)
}
