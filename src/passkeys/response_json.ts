import { base64url } from 'jose'
import * as z from 'zod/mini'
import { parseJson } from '../lib/parse_json.ts'
import { PasskeyRefused } from './passkey_refused.ts'

/** The longest member, in characters. The body of a request has at most 16 KiB. */
const MAX_CHARACTERS = 12_000
/** 1023 bytes in base64url. */
const MAX_ID_CHARACTERS = 1364
const MAX_USER_HANDLE_CHARACTERS = 86

const encoded = (max: number) => z.string().check(z.regex(/^[A-Za-z0-9_-]+$/), z.maxLength(max))

const common = {
  id: encoded(MAX_ID_CHARACTERS),
  rawId: encoded(MAX_ID_CHARACTERS),
  type: z.literal('public-key'),
}

/** The transports that the server stores. It ignores others (WebAuthn Level 3 §5.8.4). */
export const TRANSPORTS = ['usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal'] as const
export type Transport = (typeof TRANSPORTS)[number]

const registrationSchema = z.object({
  ...common,
  response: z.object({
    clientDataJSON: encoded(MAX_CHARACTERS),
    attestationObject: encoded(MAX_CHARACTERS),
    transports: z.optional(z.array(z.string())),
  }),
})

const authenticationSchema = z.object({
  ...common,
  response: z.object({
    clientDataJSON: encoded(MAX_CHARACTERS),
    authenticatorData: encoded(MAX_CHARACTERS),
    signature: encoded(MAX_CHARACTERS),
    userHandle: z.optional(z.nullable(encoded(MAX_USER_HANDLE_CHARACTERS))),
  }),
})

/** The result of `navigator.credentials.create`, decoded. */
export interface RegistrationResponse {
  /** base64url. */
  credentialId: string
  clientDataJson: Uint8Array
  attestationObject: Uint8Array
  transports: Transport[]
}

/** The result of `navigator.credentials.get`, decoded. */
export interface AuthenticationResponse {
  /** base64url. */
  credentialId: string
  clientDataJson: Uint8Array
  authenticatorData: Uint8Array
  signature: Uint8Array
  /** The handle of the user that the authenticator stored; null if it sent none. */
  userHandle: Uint8Array | null
}

/** Parses a `RegistrationResponseJSON` (WebAuthn Level 3 §5.1). @throws PasskeyRefused */
export function parseRegistration(json: string): RegistrationResponse {
  const { response, id } = parse(json, registrationSchema)
  const { clientDataJSON, attestationObject, transports = [] } = response
  return {
    credentialId: id,
    clientDataJson: decode(clientDataJSON),
    attestationObject: decode(attestationObject),
    transports: TRANSPORTS.filter((transport) => transports.includes(transport)),
  }
}

/** Parses an `AuthenticationResponseJSON` (WebAuthn Level 3 §5.1). @throws PasskeyRefused */
export function parseAuthentication(json: string): AuthenticationResponse {
  const { response, id } = parse(json, authenticationSchema)
  const { clientDataJSON, authenticatorData, signature, userHandle } = response
  return {
    credentialId: id,
    clientDataJson: decode(clientDataJSON),
    authenticatorData: decode(authenticatorData),
    signature: decode(signature),
    userHandle: userHandle ? decode(userHandle) : null,
  }
}

function parse<T extends { id: string; rawId: string }>(json: string, schema: z.ZodMiniType<T>): T {
  const result = schema.safeParse(parseJson(json))
  if (!result.success || result.data.id !== result.data.rawId)
    throw new PasskeyRefused('the response of the browser cannot be read')
  return result.data
}

function decode(text: string): Uint8Array {
  try {
    return base64url.decode(text)
  } catch {
    throw new PasskeyRefused('the response of the browser has no valid base64url')
  }
}
