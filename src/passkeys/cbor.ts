import { type CBORType, decodePartialCBOR } from '@levischuck/tiny-cbor'
import { PasskeyRefused, requirePasskey } from './passkey_refused.ts'

export type CborMap = ReadonlyMap<string | number, CBORType>

/**
 * Decodes the CBOR map at the start of the bytes.
 *
 * @param bytes All bytes of their buffer: the decoder reads past the end of a part of a buffer.
 * @returns the map, and the number of its bytes
 * @throws PasskeyRefused
 */
export function decodeCborMap(bytes: Uint8Array, what: string): { map: CborMap; length: number } {
  const [value, length] = decode(bytes.slice(), what)
  // The decoder accepts a byte string that is longer than the rest.
  requirePasskey(length <= bytes.length, `${what} is incomplete`)
  requirePasskey(value instanceof Map, `${what} is not a map`)
  return { map: value, length }
}

function decode(bytes: Uint8Array, what: string): [CBORType, number] {
  try {
    return decodePartialCBOR(bytes, 0)
  } catch {
    // The cause can contain a part of the input. Deep nesting causes a RangeError.
    throw new PasskeyRefused(`${what} is not CBOR`)
  }
}
