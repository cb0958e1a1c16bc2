import { base64url } from 'jose'
import { sha256 } from './bytes.ts'

/** A strong entity tag of a text (RFC 9110 §8.8.3): its SHA-256. */
export async function etagOf(text: string): Promise<string> {
  return `"${base64url.encode(await sha256(text))}"`
}
