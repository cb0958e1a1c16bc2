import type { Argon2Cost } from '../argon2_input.ts'
import { encodeBase64 } from '../bytes.ts'
import { decodeParts, HashRefused, type HashScheme, MAX_MEMORY_KIB } from './hash_scheme.ts'

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,8}),p=(\d{1,3})\$([A-Za-z0-9+/]{1,86})\$([A-Za-z0-9+/]{1,86})$/

/** RFC 9106 §3.1; the module refuses shorter ones. */
const MIN_SALT_BYTES = 8

/** `m` times `t`, in KiB: what 64 MiB is with ten passes. */
const MAX_WORK = 10 * MAX_MEMORY_KIB
const KIB_PASSES_PER_MS = 1550

/** Argon2id as PHC writes it, and with it libsodium and PHP: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
export const argon2idScheme: HashScheme = {
  name: 'argon2id',
  isDigest: false,
  owns: (text) => text.startsWith('$argon2id$'),

  read(text) {
    const [whole, m, t, p, salt = '', hash = ''] = PHC.exec(text) ?? []
    if (whole === undefined) {
      throw new HashRefused('broken', 'argon2id: not of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash')
    }
    const cost = requireAffordable({ m: Number(m), t: Number(t), p: Number(p) })
    const parts = decodeParts('argon2id', { salt, hash, minSaltBytes: MIN_SALT_BYTES })
    return {
      scheme: 'argon2id',
      cost: formatCost(cost),
      estimatedMs: argon2idMs(cost),
      expected: parts.hash,
      compute: (password, { argon2id }) =>
        argon2id({ password, salt: parts.salt, cost, hashLength: parts.hash.length }),
    }
  },
}

/** How long a hash of that cost takes, about. */
export function argon2idMs({ m, t }: Argon2Cost): number {
  return (m * t) / KIB_PASSES_PER_MS
}

/** The beginning of every hash of that cost, up to its salt. */
export function argon2idPrefix(cost: Argon2Cost): string {
  return `$argon2id$v=19$${formatCost(cost)}$`
}

export function formatArgon2id(cost: Argon2Cost, salt: Uint8Array, hash: Uint8Array): string {
  return `${argon2idPrefix(cost)}${encodeBase64(salt)}$${encodeBase64(hash)}`
}

function formatCost({ m, t, p }: Argon2Cost): string {
  return `m=${m},t=${t},p=${p}`
}

function requireAffordable(cost: Argon2Cost): Argon2Cost {
  const { m, t, p } = cost
  if (p < 1 || t < 1 || m < 8 * p) throw new HashRefused('broken', 'argon2id: no such cost (RFC 9106 §3.1)')
  if (m > MAX_MEMORY_KIB) {
    throw new HashRefused('memory', `argon2id: m=${m} is more memory than ${MAX_MEMORY_KIB} KiB`)
  }
  if (m * t > MAX_WORK) {
    throw new HashRefused(
      'time',
      `argon2id: m=${m},t=${t} takes too long: at most t=${Math.floor(MAX_WORK / m)}`,
    )
  }
  return cost
}
