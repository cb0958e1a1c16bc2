import { type CborMap, decodeCborMap } from './cbor.ts'
import { requirePasskey } from './passkey_refused.ts'

/** The authenticator data of a ceremony (WebAuthn Level 3 §6.1). */
export interface AuthenticatorData {
  /** SHA-256 of the relying party id. */
  rpIdHash: Uint8Array
  /** The user touched the authenticator. */
  isUserPresent: boolean
  /** The user gave a PIN or a biometric sample. */
  isUserVerified: boolean
  /** The passkey may be copied to other devices. */
  isBackupEligible: boolean
  isBackedUp: boolean
  /** 0 for an authenticator without a counter. */
  signCount: number
  /** The new credential; null in an authentication. */
  credential: AttestedCredential | null
}

export interface AttestedCredential {
  id: Uint8Array
  /** The public key as a COSE_Key (RFC 9052 §7). */
  coseKey: CborMap
}

const RP_ID_HASH_BYTES = 32
const HEADER_BYTES = 37
const AAGUID_BYTES = 16
/** WebAuthn Level 3 §7.1 refuses longer credential ids. */
const MAX_CREDENTIAL_ID_BYTES = 1023

/** The bits of the flags byte. */
const FLAGS = { UP: 0x01, UV: 0x04, BE: 0x08, BS: 0x10, AT: 0x40, ED: 0x80 }

/** @throws PasskeyRefused */
export function parseAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  requirePasskey(bytes.length >= HEADER_BYTES, 'the authenticator data is too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = view.getUint8(RP_ID_HASH_BYTES)
  const has = (flag: number) => (flags & flag) !== 0
  const rest = bytes.subarray(HEADER_BYTES)
  const attested = has(FLAGS.AT) ? parseCredential(rest) : { credential: null, length: 0 }
  const extensions = rest.subarray(attested.length)
  const length = has(FLAGS.ED) ? decodeCborMap(extensions, 'the extension data').length : 0
  requirePasskey(length === extensions.length, 'the authenticator data has more bytes')
  return {
    rpIdHash: bytes.subarray(0, RP_ID_HASH_BYTES),
    isUserPresent: has(FLAGS.UP),
    isUserVerified: has(FLAGS.UV),
    isBackupEligible: has(FLAGS.BE),
    isBackedUp: has(FLAGS.BS),
    signCount: view.getUint32(RP_ID_HASH_BYTES + 1),
    credential: attested.credential,
  }
}

/** Parses attested credential data (WebAuthn Level 3 §6.5.1). */
function parseCredential(bytes: Uint8Array): { credential: AttestedCredential; length: number } {
  const idStart = AAGUID_BYTES + 2
  requirePasskey(bytes.length >= idStart, 'the credential data is too short')
  const idLength = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint16(AAGUID_BYTES)
  requirePasskey(
    idLength > 0 && idLength <= MAX_CREDENTIAL_ID_BYTES,
    'the length of the credential id is wrong',
  )
  const keyStart = idStart + idLength
  requirePasskey(bytes.length > keyStart, 'the credential data is too short')
  const { map: coseKey, length } = decodeCborMap(bytes.subarray(keyStart), 'the public key')
  return { credential: { id: bytes.slice(idStart, keyStart), coseKey }, length: keyStart + length }
}
