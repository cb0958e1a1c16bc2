import { base64url } from 'jose'
import type { PasskeySettings } from '../config/accounts_schema.ts'
import { encodeUtf8 } from '../lib/bytes.ts'
import type { Passkey } from './passkey.ts'
import { COSE_ALGORITHMS } from './public_key.ts'
import type { Transport } from './response_json.ts'

/** The time for a dialog of the browser, in milliseconds. */
const TIMEOUT_MS = 300_000

interface Descriptor {
  type: 'public-key'
  /** base64url. */
  id: string
  transports: readonly Transport[]
}

/** The options of `PublicKeyCredential.parseCreationOptionsFromJSON` (WebAuthn Level 3 §5.1.8). */
export interface CreationOptionsJson {
  rp: { id: string; name: string }
  user: { id: string; name: string; displayName: string }
  challenge: string
  pubKeyCredParams: { type: 'public-key'; alg: number }[]
  timeout: number
  excludeCredentials: Descriptor[]
  authenticatorSelection: {
    residentKey: 'required'
    requireResidentKey: true
    userVerification: PasskeySettings['userVerification']
  }
  attestation: 'none'
}

/** The options of `PublicKeyCredential.parseRequestOptionsFromJSON` (WebAuthn Level 3 §5.1.9). */
export interface RequestOptionsJson {
  challenge: string
  timeout: number
  rpId: string
  allowCredentials: Descriptor[]
  userVerification: PasskeySettings['userVerification']
}

/** The account of a new passkey, as the authenticator shows it. */
export interface PasskeyAccount {
  subject: string
  pool: string
  username: string
  /** The full name, or else the username. */
  displayName: string
  /** The name of the service. */
  service: string
}

/**
 * The handle by which an authenticator knows the user. It is the user id: random bits without personal data (§14.6.1), which each
 * token of the user has too.
 */
export function userHandleOf(subject: string): Uint8Array {
  return encodeUtf8(subject)
}

/** Each passkey is discoverable, so that the user needs no username. @param existing The passkeys of the user. */
export function creationOptions(
  { subject, username, displayName, service }: PasskeyAccount,
  challenge: string,
  { rpId, userVerification, existing }: PasskeySettings & { existing: readonly Passkey[] },
): CreationOptionsJson {
  return {
    rp: { id: rpId, name: service },
    user: { id: base64url.encode(userHandleOf(subject)), name: username, displayName },
    challenge,
    pubKeyCredParams: Object.values(COSE_ALGORITHMS).map((alg) => ({ type: 'public-key', alg })),
    timeout: TIMEOUT_MS,
    excludeCredentials: describePasskeys(existing, rpId),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification },
    attestation: 'none',
  }
}

/** @param allowed The passkeys of a known user; empty for any passkey of the relying party. */
export function requestOptions(
  challenge: string,
  { rpId, userVerification, allowed }: PasskeySettings & { allowed: readonly Passkey[] },
): RequestOptionsJson {
  return {
    challenge,
    timeout: TIMEOUT_MS,
    rpId,
    allowCredentials: describePasskeys(allowed, rpId),
    userVerification,
  }
}

function describePasskeys(passkeys: readonly Passkey[], rpId: string): Descriptor[] {
  const usable = passkeys.filter((passkey) => passkey.rpId === rpId)
  return usable.map(({ credentialId, transports }) => ({ type: 'public-key', id: credentialId, transports }))
}
