import { encodeUtf8 } from '@sallyport/formats/bytes'
import { base64url } from 'jose'

export { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from '@sallyport/formats/bytes'

/** `byteLength` random bytes as base64url: 16 bytes give 128 bits in 22 characters. */
export function randomId(byteLength: number): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(byteLength)))
}

/** SHA-256 of a text's UTF-8 bytes. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encodeUtf8(text)))
}

/**
 * Compares two byte strings. The time depends on their lengths, not on their contents.
 *
 * @returns False for unequal lengths, for which `timingSafeEqual` throws
 */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b)
}
