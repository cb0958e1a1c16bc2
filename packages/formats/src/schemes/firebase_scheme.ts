import { createCipheriv, scryptSync } from 'node:crypto'
import { encodeBase64 } from '../bytes.ts'
import { decodeParts, HashRefused, type HashScheme, MAX_MEMORY_KIB, requireHashKey } from './hash_scheme.ts'
import { requireAffordableScrypt, scryptMs } from './scrypt_scheme.ts'

const NAME = 'firebase-scrypt'
const FORM = /^\$firebase-scrypt\$ln=(\d{1,2}),r=(\d{1,2})\$([A-Za-z0-9+/]{1,120})\$([A-Za-z0-9+/]{22,172})$/
const AES_KEY_BYTES = 32
const AES_BLOCK_BYTES = 16

interface FirebaseParts {
  /** `mem_cost`, the logarithm of N. */
  ln: number
  /** `rounds`, the block size. */
  r: number
  /** The user's salt, then the project's salt separator. */
  salt: Uint8Array
  hash: Uint8Array
}

/**
 * Firebase Authentication's scrypt (github.com/firebase/scrypt): scrypt of the password gives an AES key, and the hash
 * is the project's signer key under AES-256-CTR. The signer key is the key `firebase-scrypt`.
 */
export const firebaseScheme: HashScheme = {
  name: NAME,
  isDigest: false,
  owns: (text) => text.startsWith(`$${NAME}$`),

  read(text) {
    const [whole, ln, r, salt = '', hash = ''] = FORM.exec(text) ?? []
    if (whole === undefined) {
      throw new HashRefused('broken', `${NAME}: not of the form $${NAME}$ln=…,r=…$salt$hash`)
    }
    const cost = requireAffordableScrypt(NAME, { ln: Number(ln), r: Number(r), p: 1 })
    const parts = decodeParts(NAME, { salt, hash, minSaltBytes: 1 })
    const options = { N: 2 ** cost.ln, r: cost.r, p: 1, maxmem: 2 * MAX_MEMORY_KIB * 1024 }
    return {
      scheme: NAME,
      cost: `ln=${cost.ln},r=${cost.r}`,
      estimatedMs: scryptMs(cost),
      expected: parts.hash,
      key: NAME,
      compute: (password, { keys }) =>
        encrypt(
          scryptSync(password, parts.salt, AES_KEY_BYTES, options),
          Buffer.from(requireHashKey(keys, NAME), 'base64'),
        ),
    }
  },
}

export function formatFirebase({ ln, r, salt, hash }: FirebaseParts): string {
  return `$${NAME}$ln=${ln},r=${r}$${encodeBase64(salt)}$${encodeBase64(hash)}`
}

/** The counter begins at zero, because each password gives a key that encrypts only this one text. */
function encrypt(key: Uint8Array, text: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(AES_BLOCK_BYTES))
  return Uint8Array.from([...cipher.update(text), ...cipher.final()])
}
