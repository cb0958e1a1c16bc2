import { HashRefused } from '../hash_scheme.ts'
import { drupal, phpass, prestashop, wordpress } from './content_systems.ts'
import { type Conversion, type HashColumns, type ImportScheme, toConversion } from './conversion.ts'
import { ldap } from './digests.ts'
import { HEX_DIGESTS } from './hex_digests.ts'
import { firebase, keycloak } from './identity_services.ts'
import { magento1, magento2 } from './magento.ts'
import { argon2id, bcrypt, pbkdf2, sallyport, scrypt, spring, symfony } from './phc.ts'
import { convertSelfDescribing } from './self_describing.ts'
import { aspnetIdentity, devise, django } from './web_frameworks.ts'

/** Every scheme that an import may name. */
export const IMPORT_SCHEMES: readonly ImportScheme[] = [
  argon2id,
  bcrypt,
  scrypt,
  pbkdf2,
  symfony,
  magento2,
  magento1,
  wordpress,
  phpass,
  drupal,
  prestashop,
  django,
  aspnetIdentity,
  devise,
  spring,
  ldap,
  keycloak,
  firebase,
  ...HEX_DIGESTS,
  sallyport,
]

/**
 * Converts a hash of a named scheme. The scheme is never guessed: without a name, only a text that names its own scheme
 * is converted.
 */
export function convertHash(name: string | null, columns: HashColumns): Conversion {
  if (name === null) return convertSelfDescribing(columns.hash)
  return toConversion(name, columns, () => {
    const scheme = IMPORT_SCHEMES.find((candidate) => candidate.name === name)
    if (scheme === undefined) throw new HashRefused('unknown', `no scheme is named ${name}`)
    return scheme.convert(columns)
  })
}
