import type { Argon2Cost } from '../config/config.ts'
import { decodeBase64, encodeBase64, equalInConstantTime } from '../lib/bytes.ts'
import { CorruptRecord } from '../lib/storage_error.ts'
import { type Argon2Input, Argon2id } from './argon2.ts'

const SALT_BYTES = 16
const HASH_BYTES = 32
const PHC = /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** The parts of `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
interface PhcString {
  cost: Argon2Cost
  salt: Uint8Array
  hash: Uint8Array
}

/** Makes and checks password hashes in PHC form, Argon2id at the configured cost. */
export class PasswordHasher {
  readonly #module: WebAssembly.Module
  readonly #cost: Argon2Cost
  #argon2: Argon2id | null = null
  #decoy: string | null = null

  /** @param module The WebAssembly build of Argon2, set up at the first hash, not at start. */
  constructor(module: WebAssembly.Module, cost: Argon2Cost) {
    this.#module = module
    this.#cost = cost
  }

  /** A new hash with a random salt, as a PHC string. */
  async hash(password: Uint8Array): Promise<string> {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
    const hash = this.#compute({ password, salt, cost: this.#cost, hashLength: HASH_BYTES })
    return formatPhc({ cost: this.#cost, salt, hash })
  }

  /**
   * Whether the password gives the stored hash. Where there is no user, `stored` is null, and the same work is
   * done on a decoy: the time tells nothing.
   *
   * @throws CorruptRecord where the stored hash is not one of ours
   */
  async verify(password: Uint8Array, stored: string | null): Promise<boolean> {
    const { cost, salt, hash } = parsePhc(stored ?? this.#decoyHash())
    const computed = this.#compute({ password, salt, cost, hashLength: hash.length })
    return equalInConstantTime(computed, hash) && stored !== null
  }

  #compute(input: Argon2Input): Uint8Array {
    this.#argon2 ??= new Argon2id(this.#module)
    return this.#argon2.hash(input)
  }

  #decoyHash(): string {
    this.#decoy ??= formatPhc({
      cost: this.#cost,
      salt: crypto.getRandomValues(new Uint8Array(SALT_BYTES)),
      hash: crypto.getRandomValues(new Uint8Array(HASH_BYTES)),
    })
    return this.#decoy
  }
}

function formatPhc({ cost, salt, hash }: PhcString): string {
  return `$argon2id$v=19$m=${cost.m},t=${cost.t},p=${cost.p}$${encodeBase64(salt)}$${encodeBase64(hash)}`
}

function parsePhc(text: string): PhcString {
  const [, m, t, p, saltText = '', hashText = ''] = PHC.exec(text) ?? []
  const salt = decodeBase64(saltText)
  const hash = decodeBase64(hashText)
  const cost = { m: Number(m), t: Number(t), p: Number(p) }
  if (!salt || !hash || salt.length < 8 || hash.length < 16 || !isAffordable(cost)) {
    throw new CorruptRecord('a password hash is not an Argon2id PHC string that an isolate can afford')
  }
  return { cost, salt, hash }
}

/** An isolate has 128 MB in all (Cloudflare's limit). */
function isAffordable({ m, t, p }: Argon2Cost): boolean {
  return p >= 1 && p <= 4 && m >= 8 * p && m <= 65_536 && t >= 1 && t <= 10
}
