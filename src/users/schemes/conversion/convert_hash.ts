import { HashRefused, type RefusalCause } from '../hash_scheme.ts'
import { isFastHash, readHash } from '../read_hash.ts'
import { drupal, HEX_DIGESTS, ldap, phpass, prestashop, wordpress } from './content_systems.ts'
import type { HashColumns, ImportScheme } from './conversion.ts'
import { firebase, keycloak } from './identity_services.ts'
import { magento1, magento2 } from './magento.ts'
import { argon2id, bcrypt, pbkdf2, sallyport, scrypt, spring, symfony } from './phc.ts'
import { UNSUPPORTED } from './unsupported.ts'
import { aspnetIdentity, devise, django } from './web_frameworks.ts'

/** Every scheme that an import may name. */
export const IMPORT_SCHEMES: readonly ImportScheme[] = [
  ...[argon2id, bcrypt, scrypt, pbkdf2, symfony, magento2, magento1, wordpress, phpass, drupal, prestashop],
  ...[django, aspnetIdentity, devise, spring, ldap, keycloak, firebase, ...HEX_DIGESTS, sallyport],
]

/** A hash in its stored form, or why it is refused: in words for an operator, without any of the hash. */
export type Conversion =
  | { isAccepted: true; scheme: string; stored: string; cost: string; isFast: boolean }
  | { isAccepted: false; scheme: string | null; cause: RefusalCause; reason: string; alternative: string }

const NEW_PASSWORD =
  'import the user without a password (no_password, or --reset unsupported), and send your password reset'

const ALTERNATIVES: Readonly<Record<RefusalCause, string>> = {
  unknown: `name the scheme of the hash: ${IMPORT_SCHEMES.map(({ name }) => name).join(', ')}`,
  unsupported: NEW_PASSWORD,
  broken: `export the row again, or ${NEW_PASSWORD}`,
  memory: NEW_PASSWORD,
  time: NEW_PASSWORD,
  key: 'set the key in the Worker secret HASH_KEYS (docs/password-hashes.md#keys), then import again',
}

/**
 * Converts a hash of a named scheme. The scheme is never guessed: without a name, only a text that says its scheme
 * itself is converted (`recogniseHash`).
 */
export function convertHash(scheme: string | null, columns: HashColumns): Conversion {
  const name = scheme ?? recogniseHash(columns.hash)
  try {
    const stored = requireImportScheme(name, columns.hash).convert(columns)
    const { scheme: storedScheme, cost } = readHash(stored)
    return { isAccepted: true, scheme: name ?? storedScheme, stored, cost, isFast: isFastHash(stored) }
  } catch (error) {
    if (!(error instanceof HashRefused)) throw error
    const { refusalCause: cause, message } = error
    const reason = name === null || message.startsWith(`${name}: `) ? message : `${name}: ${message}`
    return { isAccepted: false, scheme: name, cause, reason, alternative: ALTERNATIVES[cause] }
  }
}

/** The name of the import scheme that a text says of itself; null where it says none, or one that is not supported. */
export function recogniseHash(text: string): string | null {
  return SELF_DESCRIBING.find(({ form }) => form.test(text))?.name ?? null
}

/** Whether an import of the row costs the server one Argon2id hash: for a plain password, or to wrap a fast hash. */
export function needsHash(row: Readonly<Record<string, unknown>>): boolean {
  if (row.password !== undefined) return true
  if (typeof row.password_hash !== 'string') return false
  const conversion = convertHash(null, { hash: row.password_hash })
  return conversion.isAccepted && conversion.isFast
}

/** The beginnings by which a text says its scheme itself. The first that fits counts. */
const SELF_DESCRIBING: readonly { form: RegExp; name: string }[] = [
  { form: /^\$argon2id\$/, name: 'argon2id' },
  { form: /^\$2[aby]\$/, name: 'bcrypt' },
  { form: /^\$scrypt\$/, name: 'scrypt' },
  { form: /^\$pbkdf2(?:-sha1|-sha256|-sha512)?\$/, name: 'pbkdf2' },
  { form: /^\$wp\$2/, name: 'wordpress' },
  { form: /^\$[PH]\$/, name: 'phpass' },
  { form: /^U?\$S\$/, name: 'drupal' },
  { form: /^(?:pbkdf2_sha1|pbkdf2_sha256|argon2|bcrypt|bcrypt_sha256|scrypt)\$/, name: 'django' },
  { form: /^\{(?:bcrypt|argon2(?:@\w+)?|pbkdf2(?:@\w+)?|scrypt(?:@\w+)?|noop)\}/, name: 'spring' },
  { form: /^\{(?:S?MD5|S?SHA(?:256|512)?)\}/i, name: 'ldap' },
  { form: /^[0-9a-f]{32,128}:[^:$]*:\d/, name: 'magento2' },
  {
    form: /^\$(?:digest|symfony-sha512|phpass-\w+|wordpress|django-sha256|devise|firebase-scrypt)\$/,
    name: 'sallyport',
  },
]

function requireImportScheme(name: string | null, hash: string): ImportScheme {
  const scheme = IMPORT_SCHEMES.find((candidate) => candidate.name === name)
  if (scheme !== undefined) return scheme
  if (name !== null) throw new HashRefused('unknown', `no scheme is named ${name}`)
  const unsupported = UNSUPPORTED.find(({ form }) => form.test(hash))
  if (unsupported)
    throw new HashRefused('unsupported', `${unsupported.name}: not supported: ${unsupported.reason}`)
  throw new HashRefused('unknown', 'the hash does not say its scheme, and no scheme is named')
}
