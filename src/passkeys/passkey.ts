import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { PASSKEY_ALGORITHMS, type PasskeyPublicKey } from './public_key.ts'
import { TRANSPORTS, type Transport } from './response_json.ts'

/** The most passkeys of a user. */
export const MAX_PASSKEYS = 20

/** The longest name of a passkey, in characters. */
export const MAX_NAME_CHARACTERS = 60

/** A stored passkey (WebAuthn Level 3 §4, credential record). Times are Unix seconds. */
export interface Passkey {
  id: string
  /** base64url. */
  credentialId: string
  subject: string
  pool: string
  rpId: string
  publicKey: PasskeyPublicKey
  signCount: number
  transports: Transport[]
  name: string
  isBackupEligible: boolean
  isBackedUp: boolean
  createdAt: number
  /** Null before the first sign-in. */
  lastUsedAt: number | null
}

const rowSchema = z.object({
  id: z.string(),
  credential_id: z.string(),
  subject: z.string(),
  pool: z.string(),
  rp_id: z.string(),
  public_key: z.string(),
  alg: z.enum(PASSKEY_ALGORITHMS),
  sign_count: z.int(),
  transports: z.string(),
  name: z.string(),
  backup_eligible: z.int(),
  backed_up: z.int(),
  created_at: z.int(),
  last_used_at: z.nullable(z.int()),
})

/** The columns of `passkeys`. */
export const PASSKEY_COLUMNS = Object.keys(rowSchema.shape)

const jwkSchema = z.record(z.string(), z.string())
const transportsSchema = z.array(z.enum(TRANSPORTS))

/** Decodes a row of `passkeys`. @throws CorruptRecord */
export function decodePasskeyRow(value: unknown): Passkey {
  const row = decodeRecord(rowSchema, 'passkey', value)
  const decode = <T>(schema: z.ZodMiniType<T>, text: string) =>
    decodeRecord(schema, `passkey ${row.id}`, parseJsonColumn(`passkey ${row.id}`, text))
  return {
    id: row.id,
    credentialId: row.credential_id,
    subject: row.subject,
    pool: row.pool,
    rpId: row.rp_id,
    publicKey: { alg: row.alg, jwk: decode(jwkSchema, row.public_key) },
    signCount: row.sign_count,
    transports: decode(transportsSchema, row.transports),
    name: row.name,
    isBackupEligible: row.backup_eligible === 1,
    isBackedUp: row.backed_up === 1,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }
}
