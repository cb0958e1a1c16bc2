import { pbkdf2Sync } from 'node:crypto'
import { decodeParts, HashRefused, type HashScheme } from './hash_scheme.ts'

/** `i=…` with or without `l=…` as PHC writes it; the number alone is passlib's. */
const FORM =
  /^\$pbkdf2-(sha1|sha256|sha512)\$(?:i=(\d{1,9})(?:,l=(\d{1,3}))?|(\d{1,9}))\$([A-Za-z0-9+/.]{1,86})\$([A-Za-z0-9+/.]{1,86})$/

/** Cloudflare refuses to compute more; a local workerd does not. */
const MAX_ITERATIONS = 100_000
const ITERATIONS_PER_MS: Readonly<Record<string, number>> = { sha1: 10_000, sha256: 10_000, sha512: 3000 }

/** The block size in bytes: PBKDF2 computes all iterations again for each block of the hash (RFC 8018 §5.2). */
const DIGEST_BYTES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 }

/** PBKDF2 with HMAC-SHA-1, -SHA-256 or -SHA-512, in PHC form or in passlib's, which writes `.` for `+`. */
export const pbkdf2Scheme: HashScheme = {
  name: 'pbkdf2',
  isDigest: false,
  owns: (text) => /^\$pbkdf2-(?:sha1|sha256|sha512)\$/.test(text),

  read(text) {
    const [, digest = '', written, length, bare, salt = '', hash = ''] = FORM.exec(text) ?? []
    if (digest === '') {
      throw new HashRefused(
        'broken',
        'pbkdf2: not of the form $pbkdf2-sha256$i=…,l=…$salt$hash, or passlib’s',
      )
    }
    const scheme = `pbkdf2-${digest}`
    const iterations = requireAffordable(scheme, Number(written ?? bare))
    const parts = decodeParts(scheme, { salt: toBase64(salt), hash: toBase64(hash), minSaltBytes: 1 })
    if (length !== undefined && Number(length) !== parts.hash.length) {
      throw new HashRefused('broken', `${scheme}: the hash does not have the ${length} bytes that l= names`)
    }
    const blocks = Math.ceil(parts.hash.length / (DIGEST_BYTES[digest] ?? 1))
    return {
      scheme,
      cost: `i=${iterations}`,
      estimatedMs: (iterations * blocks) / (ITERATIONS_PER_MS[digest] ?? 1),
      expected: parts.hash,
      compute: (password) => pbkdf2Sync(password, parts.salt, iterations, parts.hash.length, digest),
    }
  },
}

function toBase64(text: string): string {
  return text.replaceAll('.', '+')
}

function requireAffordable(scheme: string, iterations: number): number {
  if (iterations < 1) throw new HashRefused('broken', `${scheme}: no iterations`)
  if (iterations > MAX_ITERATIONS) {
    throw new HashRefused(
      'time',
      `${scheme}: i=${iterations} is refused by Cloudflare: at most ${MAX_ITERATIONS}`,
    )
  }
  return iterations
}
