import { base64url } from 'jose'
import { encodeUtf8 } from '../lib/bytes.ts'
import { FINGERPRINTS } from './common_password_list.ts'

/** The number of passwords in the list. */
export const COMMON_PASSWORDS = 10_000

/** The fingerprints of the list; null before the first new password of the isolate. */
let unpacked: ReadonlySet<number> | null = null

/**
 * Whether a password is in the list of the most common passwords (NIST SP 800-63B-4 §3.1.1.2). Case does not count. One random
 * password of 430,000 has a fingerprint of the list, and counts too.
 */
export function isCommonPassword(text: string): boolean {
  unpacked ??= unpackFingerprints(base64url.decode(FINGERPRINTS))
  return unpacked.has(fingerprintOf(text))
}

/** The fingerprint of a password: 32-bit FNV-1a of its form without case. It only has to spread evenly. */
export function fingerprintOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of encodeUtf8(text.normalize('NFKC').toLowerCase())) {
    hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return hash >>> 0
}

/** Packs fingerprints: sorted, each as its distance from the one before it, in groups of 7 bits, the lowest first. */
export function packFingerprints(fingerprints: Iterable<number>): Uint8Array {
  const bytes: number[] = []
  let last = 0
  for (const fingerprint of [...new Set(fingerprints)].sort((a, b) => a - b)) {
    let distance = fingerprint - last
    for (; distance > 0x7f; distance = Math.floor(distance / 0x80)) bytes.push((distance % 0x80) + 0x80)
    bytes.push(distance)
    last = fingerprint
  }
  return Uint8Array.from(bytes)
}

/** The opposite of `packFingerprints`. */
function unpackFingerprints(packed: Uint8Array): ReadonlySet<number> {
  const fingerprints = new Set<number>()
  let [last, distance, scale] = [0, 0, 1]
  for (const byte of packed) {
    distance += (byte % 0x80) * scale
    scale *= 0x80
    if (byte >= 0x80) continue
    last += distance
    fingerprints.add(last)
    distance = 0
    scale = 1
  }
  return fingerprints
}
