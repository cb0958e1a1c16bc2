import * as z from 'zod/mini'
import { decodeUtf8 } from '../lib/bytes.ts'
import { parseJson } from '../lib/parse_json.ts'
import { PasskeyRefused, requirePasskey } from './passkey_refused.ts'

/** The ceremonies of WebAuthn, by the `type` in their client data. */
export type CeremonyType = 'webauthn.create' | 'webauthn.get'

/** The client data that a ceremony must have. */
export interface ExpectedClientData {
  type: CeremonyType
  /** base64url. */
  challenge: string
  /** The exact allowed origins. */
  origins: readonly string[]
}

/** The members that the server reads (WebAuthn Level 3 §5.8.1). A browser can add others. */
const clientDataSchema = z.object({
  type: z.string(),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.optional(z.boolean()),
  topOrigin: z.optional(z.unknown()),
})

/**
 * Checks the client data of a ceremony (WebAuthn Level 3 §7.1 and §7.2: type, challenge, origin, crossOrigin, topOrigin). The
 * pages are never in a frame, so a ceremony in a frame is refused.
 *
 * @throws PasskeyRefused
 */
export function checkClientData(json: Uint8Array, expected: ExpectedClientData): void {
  const data = parseClientData(json)
  requirePasskey(data.type === expected.type, 'the client data has another type')
  requirePasskey(data.challenge === expected.challenge, 'the client data has another challenge')
  requirePasskey(expected.origins.includes(data.origin), 'the client data has another origin')
  requirePasskey(data.crossOrigin !== true, 'the ceremony ran in a frame of another origin')
  requirePasskey(data.topOrigin === undefined, 'the ceremony ran in a frame')
}

function parseClientData(json: Uint8Array): z.output<typeof clientDataSchema> {
  const text = decodeUtf8(json)
  const result = clientDataSchema.safeParse(text === null ? null : parseJson(text))
  if (!result.success) throw new PasskeyRefused('the client data cannot be read')
  return result.data
}
