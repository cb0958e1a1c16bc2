import { base64url } from 'jose'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of UTF-8 bytes, without a byte order mark; null where they are not UTF-8. */
export function decodeUtf8(bytes: ArrayBuffer | Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** `byteLength` random bytes as base64url: 16 bytes give 128 bits in 22 characters. */
export function randomId(byteLength: number): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(byteLength)))
}

/** SHA-256 of a text's UTF-8 bytes. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encodeUtf8(text)))
}

/** Standard base64 without padding, as PHC strings write it. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, '')
}

/** The bytes of a base64 text, padded or not; null where it is not base64. */
export function decodeBase64(text: string): Uint8Array | null {
  if (/\s/.test(text)) return null
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}

/**
 * Compares two byte strings. The time depends on their lengths, not on their contents.
 *
 * @returns False for unequal lengths, for which `timingSafeEqual` throws
 */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b)
}
