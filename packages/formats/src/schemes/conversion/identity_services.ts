import * as z from 'zod/mini'
import { encodeBase64 } from '../../bytes.ts'
import { formatFirebase } from '../firebase_scheme.ts'
import { HashRefused } from '../hash_scheme.ts'
import { type ImportScheme, requireBase64, requireColumn } from './conversion.ts'
import { formatPbkdf2 } from './phc.ts'

const NO_SEPARATOR = ''

/** The signer key is the key `firebase-scrypt` of the Worker secret HASH_KEYS. */
export const firebase: ImportScheme = {
  name: 'firebase-scrypt',
  usedBy: 'Firebase Authentication: passwordHash and salt of auth:export',
  columns: ['salt', 'rounds', 'memoryCost', 'saltSeparator'],

  convert(columns) {
    const name = 'firebase-scrypt'
    const salt = requireBase64(name, 'salt', requireColumn(name, columns, 'salt'))
    const separator = requireBase64(name, 'salt separator', columns.saltSeparator ?? NO_SEPARATOR)
    return formatFirebase({
      ln: requireColumn(name, columns, 'memoryCost'),
      r: requireColumn(name, columns, 'rounds'),
      salt: Uint8Array.from([...salt, ...separator]),
      hash: requireBase64(name, 'hash', columns.hash),
    })
  },
}

/** A member that Keycloak writes as JSON in a string. */
function jsonText<T extends z.ZodMiniType>(schema: T) {
  return z.pipe(z.transform(parseJson), schema)
}

function parseJson(value: unknown): unknown {
  try {
    return typeof value === 'string' ? JSON.parse(value) : value
  } catch {
    return null
  }
}

const parameter = z.optional(z.array(z.string()))
const credentialSchema = z.looseObject({
  secretData: jsonText(z.looseObject({ value: z.string(), salt: z.string() })),
  credentialData: jsonText(
    z.looseObject({
      hashIterations: z.int(),
      algorithm: z.string(),
      additionalParameters: z.optional(
        z.nullable(
          z.looseObject({ memory: parameter, parallelism: parameter, type: parameter, version: parameter }),
        ),
      ),
    }),
  ),
})
type Credential = z.output<typeof credentialSchema>

/** Keycloak's `algorithm`, and the digest of its PBKDF2. */
const KEYCLOAK_DIGESTS: Readonly<Record<string, string>> = {
  pbkdf2: 'sha1',
  'pbkdf2-sha256': 'sha256',
  'pbkdf2-sha512': 'sha512',
}

/** The credential of a realm's JSON as text: an object with `secretData` and `credentialData`. */
export const keycloak: ImportScheme = {
  name: 'keycloak',
  usedBy: 'Keycloak: the credential of type password, as JSON',
  columns: [],

  convert({ hash: text }) {
    const result = z.safeParse(credentialSchema, parseJson(text))
    if (!result.success) {
      throw new HashRefused('broken', 'keycloak: not a credential with secretData and credentialData')
    }
    const { secretData, credentialData } = result.data
    const { algorithm, hashIterations: iterations } = credentialData
    if (algorithm === 'argon2') return convertArgon2(result.data)
    const digest = KEYCLOAK_DIGESTS[algorithm]
    if (digest === undefined) {
      throw new HashRefused('unsupported', `keycloak: the algorithm ${algorithm} is not supported`)
    }
    const salt = requireBase64('keycloak', 'salt', secretData.salt)
    return formatPbkdf2('keycloak', { digest, iterations, salt, hash: secretData.value })
  },
}

function convertArgon2({ secretData, credentialData }: Credential): string {
  const { memory, parallelism, type, version } = credentialData.additionalParameters ?? {}
  if (type?.[0] !== 'id' || version?.[0] !== '1.3') {
    throw new HashRefused(
      'unsupported',
      'keycloak: argon2 of another type than id, or another version than 1.3',
    )
  }
  const cost = `m=${memory?.[0]},t=${credentialData.hashIterations},p=${parallelism?.[0]}`
  const salt = requireBase64('keycloak', 'salt', secretData.salt)
  const hash = requireBase64('keycloak', 'hash', secretData.value)
  return `$argon2id$v=19$${cost}$${encodeBase64(salt)}$${encodeBase64(hash)}`
}
