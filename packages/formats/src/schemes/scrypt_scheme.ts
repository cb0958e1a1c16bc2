import { scryptSync } from 'node:crypto'
import { decodeParts, HashRefused, type HashScheme, MAX_MEMORY_KIB } from './hash_scheme.ts'

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{1,86})\$([A-Za-z0-9+/]{1,86})$/

/** N times r times p. Cloudflare refuses to compute more. */
const MAX_WORK = 2 ** 20
const WORK_PER_MS = 6200

/** `ln` is the logarithm of N (RFC 7914 §2). */
export interface ScryptCost {
  ln: number
  r: number
  p: number
}

/** scrypt as PHC writes it, and with it passlib: `$scrypt$ln=…,r=…,p=…$salt$hash`. */
export const scryptScheme: HashScheme = {
  name: 'scrypt',
  isDigest: false,
  owns: (text) => text.startsWith('$scrypt$'),

  read(text) {
    const [whole, ln, r, p, salt = '', hash = ''] = PHC.exec(text) ?? []
    if (whole === undefined) {
      throw new HashRefused('broken', 'scrypt: not of the form $scrypt$ln=…,r=…,p=…$salt$hash')
    }
    const cost = requireAffordableScrypt('scrypt', { ln: Number(ln), r: Number(r), p: Number(p) })
    const parts = decodeParts('scrypt', { salt, hash, minSaltBytes: 1 })
    // Leaves space for the small blocks. The check above sets the memory limit.
    const options = { N: 2 ** cost.ln, r: cost.r, p: cost.p, maxmem: 2 * MAX_MEMORY_KIB * 1024 }
    return {
      scheme: 'scrypt',
      cost: formatCost(cost),
      estimatedMs: scryptMs(cost),
      expected: parts.hash,
      compute: (password) => scryptSync(password, parts.salt, parts.hash.length, options),
    }
  },
}

function formatCost({ ln, r, p }: ScryptCost): string {
  return `ln=${ln},r=${r},p=${p}`
}

/** About how many milliseconds a hash of that cost takes. */
export function scryptMs({ ln, r, p }: ScryptCost): number {
  return (2 ** ln * r * p) / WORK_PER_MS
}

/** RFC 7914 §2: N is more than 1 and less than 2^(16 r), and takes 128 r N bytes. */
export function requireAffordableScrypt(scheme: string, cost: ScryptCost): ScryptCost {
  const { ln, r, p } = cost
  if (ln < 1 || r < 1 || p < 1 || ln >= 16 * r) {
    throw new HashRefused('broken', `${scheme}: no such cost (RFC 7914 §2)`)
  }
  const blocks = 2 ** ln * r
  if (blocks > MAX_MEMORY_KIB * 8) {
    throw new HashRefused(
      'memory',
      `${scheme}: ${formatCost(cost)} is more memory than ${MAX_MEMORY_KIB} KiB`,
    )
  }
  if (blocks * p > MAX_WORK) {
    throw new HashRefused(
      'time',
      `${scheme}: ${formatCost(cost)} is refused by Cloudflare: N·r·p is at most 2^20`,
    )
  }
  return cost
}
