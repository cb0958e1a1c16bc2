import { base64url } from 'jose'
import { sha256 } from '../lib/bytes.ts'

const ID_CHARACTERS = 22

/** A user's consent to a client. It covers one redirect URI, because installations of an application share a client id. */
export interface ConsentSubject {
  subject: string
  clientId: string
  api: string
  /** Without the port of a loopback address. */
  redirectUri: string
}

/** The id of a consent: 128 bits of a hash of what it covers. */
export async function consentIdOf({ subject, clientId, api, redirectUri }: ConsentSubject): Promise<string> {
  const digest = await sha256(JSON.stringify([subject, clientId, api, redirectUri]))
  return base64url.encode(digest).slice(0, ID_CHARACTERS)
}
