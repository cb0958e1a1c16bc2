import { encodeUtf8 } from '../lib/bytes.ts'

/** The number of passwords in the list. */
export const COMMON_PASSWORDS = 10_000

/** The bits of a fingerprint. One more halves the number of random passwords in the list, and makes it 1.2 KiB longer. */
const FINGERPRINT_BITS = 26

/** The low bits of a distance, which the list has as they are. 12 makes the list shortest. */
const LOW_BITS = 12

/** The static file with the packed list. `npm run common-passwords` writes it. */
export const COMMON_PASSWORDS_FILE = 'common_passwords.bin'

/** The list of the most common passwords. The first new password of an isolate reads it. */
export class CommonPasswords {
  readonly #read: (file: string) => Promise<ArrayBuffer>
  #unpacked: ReadonlySet<number> | null = null

  /** @param read Reads a static file. */
  constructor(read: (file: string) => Promise<ArrayBuffer>) {
    this.#read = read
  }

  /**
   * Whether a password is in the list (NIST SP 800-63B-4 §3.1.1.2). Case does not count. One random password of 6,700 has a
   * fingerprint of the list, and counts too.
   *
   * @throws StorageUnavailable if the list cannot be read
   */
  async has(text: string): Promise<boolean> {
    this.#unpacked ??= unpackFingerprints(new Uint8Array(await this.#read(COMMON_PASSWORDS_FILE)))
    return this.#unpacked.has(fingerprintOf(text))
  }
}

/** The fingerprint of a password: the high bits of FNV-1a of its form without case. It only has to spread evenly. */
export function fingerprintOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of encodeUtf8(text.normalize('NFKC').toLowerCase())) {
    hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return hash >>> (32 - FINGERPRINT_BITS)
}

/**
 * Packs fingerprints as a Golomb-coded set: sorted, each as its distance from the one before it. A distance is its high bits as a
 * number of ones, a zero, and its low bits (a Rice code). Ones fill the last byte.
 */
export function packFingerprints(fingerprints: Iterable<number>): Uint8Array {
  let bits = ''
  let last = 0
  for (const fingerprint of [...new Set(fingerprints)].sort((a, b) => a - b)) {
    const distance = fingerprint - last
    const low = (distance % 2 ** LOW_BITS).toString(2).padStart(LOW_BITS, '0')
    bits += `${'1'.repeat(distance >>> LOW_BITS)}0${low}`
    last = fingerprint
  }
  const bytes = bits.match(/.{1,8}/g) ?? []
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte.padEnd(8, '1'), 2))
}

/** The opposite of `packFingerprints`. */
function unpackFingerprints(packed: Uint8Array): ReadonlySet<number> {
  const fingerprints = new Set<number>()
  const end = packed.length * 8
  const bitAt = (place: number) => ((packed[place >>> 3] ?? 0) >>> (7 - (place & 7))) & 1
  let fingerprint = 0
  for (let place = 0; ; ) {
    let distance = 0
    for (; place < end && bitAt(place) === 1; place += 1) distance += 1
    if (place >= end) return fingerprints
    place += 1
    for (const after = place + LOW_BITS; place < after; place += 1) distance = distance * 2 + bitAt(place)
    fingerprint += distance
    fingerprints.add(fingerprint)
  }
}
