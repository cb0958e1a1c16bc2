import { base64url } from 'jose'
import { encodeUtf8, equalInConstantTime } from '../lib/bytes.ts'
import { type AuthenticatorData, parseAuthenticatorData } from './authenticator_data.ts'
import { type CborMap, decodeCborMap } from './cbor.ts'
import { checkClientData } from './client_data.ts'
import { PasskeyRefused, requirePasskey } from './passkey_refused.ts'
import { COSE_ALGORITHMS, type PasskeyPublicKey, readCoseKey, verifySignature } from './public_key.ts'
import type { AuthenticationResponse, RegistrationResponse } from './response_json.ts'

/** The relying party and the challenge of a ceremony. */
export interface ExpectedCeremony {
  /** base64url. */
  challenge: string
  origins: readonly string[]
  rpId: string
  requiresUserVerification: boolean
}

/** A new passkey, verified. */
export interface VerifiedRegistration {
  /** base64url. */
  credentialId: string
  publicKey: PasskeyPublicKey
  signCount: number
  isBackupEligible: boolean
  isBackedUp: boolean
}

/** The members of a stored passkey that an authentication is compared with. */
export interface KnownPasskey {
  publicKey: PasskeyPublicKey
  signCount: number
  isBackupEligible: boolean
}

/** The use of a passkey, verified. */
export interface VerifiedAuthentication {
  signCount: number
  isUserVerified: boolean
  isBackedUp: boolean
  /** Whether the counter did not grow, so that a copy of the authenticator can exist. The caller must refuse the sign-in. */
  hasFallen: boolean
}

/** Verifies a registration (WebAuthn Level 3 §7.1). The caller checks that the credential id is new. @throws PasskeyRefused */
export async function verifyRegistration(
  { credentialId, clientDataJson, attestationObject }: RegistrationResponse,
  expected: ExpectedCeremony,
): Promise<VerifiedRegistration> {
  checkClientData(clientDataJson, { ...expected, type: 'webauthn.create' })
  const { map: attestation, length } = decodeCborMap(attestationObject, 'the attestation object')
  requirePasskey(length === attestationObject.length, 'the attestation object has more bytes')
  const authData = attestation.get('authData')
  requirePasskey(authData instanceof Uint8Array, 'the attestation object has no authenticator data')
  const data = parseAuthenticatorData(authData)
  await checkAuthenticatorData(data, expected)
  requirePasskey(data.credential !== null, 'the authenticator data has no credential')
  requirePasskey(
    base64url.encode(data.credential.id) === credentialId,
    'the authenticator data has another credential id',
  )
  const publicKey = readCoseKey(data.credential.coseKey)
  await checkAttestation(attestation, publicKey, await signedBytes(authData, clientDataJson))
  const { signCount, isBackupEligible, isBackedUp } = data
  return { credentialId, publicKey, signCount, isBackupEligible, isBackedUp }
}

/** Verifies an authentication (WebAuthn Level 3 §7.2). The caller found the passkey by its id. @throws PasskeyRefused */
export async function verifyAuthentication(
  { clientDataJson, authenticatorData, signature }: AuthenticationResponse,
  passkey: KnownPasskey,
  expected: ExpectedCeremony,
): Promise<VerifiedAuthentication> {
  checkClientData(clientDataJson, { ...expected, type: 'webauthn.get' })
  const data = parseAuthenticatorData(authenticatorData)
  await checkAuthenticatorData(data, expected)
  requirePasskey(
    data.isBackupEligible === passkey.isBackupEligible,
    'the backup eligibility of the passkey has changed',
  )
  const signed = await signedBytes(authenticatorData, clientDataJson)
  requirePasskey(await verifySignature(passkey.publicKey, signature, signed), 'the signature is wrong')
  const { signCount, isUserVerified, isBackedUp } = data
  const hasCounter = signCount !== 0 || passkey.signCount !== 0
  return { signCount, isUserVerified, isBackedUp, hasFallen: hasCounter && signCount <= passkey.signCount }
}

/** The checks of the authenticator data that both ceremonies share: rpIdHash, UP, UV, and BS only with BE (§6.1.3). */
async function checkAuthenticatorData(
  { rpIdHash, isUserPresent, isUserVerified, isBackupEligible, isBackedUp }: AuthenticatorData,
  { rpId, requiresUserVerification }: ExpectedCeremony,
): Promise<void> {
  const expected = new Uint8Array(await crypto.subtle.digest('SHA-256', encodeUtf8(rpId)))
  requirePasskey(equalInConstantTime(rpIdHash, expected), 'the passkey belongs to another relying party')
  requirePasskey(isUserPresent, 'the user was not present')
  requirePasskey(isUserVerified || !requiresUserVerification, 'the user was not verified')
  requirePasskey(
    isBackupEligible || !isBackedUp,
    'the passkey is backed up, and is not eligible for a backup',
  )
}

/**
 * The server asks for no attestation. A browser then sends the format `none` (§8.7), or keeps a self attestation of an authenticator
 * without a model id (§5.1.3), whose signature the new key made (§8.2).
 */
async function checkAttestation(
  attestation: CborMap,
  publicKey: PasskeyPublicKey,
  signed: Uint8Array,
): Promise<void> {
  const statement = attestation.get('attStmt')
  requirePasskey(statement instanceof Map, 'the attestation object has no statement')
  const format = attestation.get('fmt')
  if (format === 'none') return requirePasskey(statement.size === 0, 'the attestation statement is not empty')
  const signature = statement.get('sig')
  const hasOwnAlgorithm = statement.get('alg') === COSE_ALGORITHMS[publicKey.alg]
  const isSelf = format === 'packed' && statement.get('x5c') === undefined && hasOwnAlgorithm
  if (!isSelf || !(signature instanceof Uint8Array))
    throw new PasskeyRefused('the attestation has another format')
  requirePasskey(
    await verifySignature(publicKey, signature, signed),
    'the signature of the attestation is wrong',
  )
}

/** The bytes that the authenticator signs: its data and the hash of the client data. */
async function signedBytes(authenticatorData: Uint8Array, clientDataJson: Uint8Array): Promise<Uint8Array> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', clientDataJson))
  const bytes = new Uint8Array(authenticatorData.length + hash.length)
  bytes.set(authenticatorData)
  bytes.set(hash, authenticatorData.length)
  return bytes
}
