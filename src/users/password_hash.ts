import type { Argon2Input } from '@sallyport/formats/argon2_input'
import { argon2idMs, argon2idPrefix, formatArgon2id } from '@sallyport/formats/schemes/argon2id_scheme'
import { convertSelfDescribing } from '@sallyport/formats/schemes/conversion/self_describing'
import type { HashKeys } from '@sallyport/formats/schemes/hash_keys'
import {
  HashRefused,
  type HashTools,
  requireHashKey,
  type StoredHash,
} from '@sallyport/formats/schemes/hash_scheme'
import { formatWrapped, readHash } from '@sallyport/formats/schemes/read_hash'
import type { Argon2Cost, PasswordQueueLimits } from '../config/password_schema.ts'
import { equalInConstantTime } from '../lib/bytes.ts'
import { InFlight } from '../lib/in_flight.ts'
import { CorruptRecord } from '../lib/storage_error.ts'
import { Argon2id } from './argon2.ts'
import { HashQueue } from './hash_queue.ts'

const SALT_BYTES = 16
const HASH_BYTES = 32

const NO_LIMITS: PasswordQueueLimits = { length: Infinity, ms: Infinity }

/** Limits and secrets of the isolate. A script uses the defaults. */
interface HasherOptions {
  limits?: PasswordQueueLimits
  inFlight?: InFlight
  /** The Worker secret HASH_KEYS. */
  keys?: HashKeys
}

/** An accepted hash of an import. */
export interface ImportedHash {
  /** Its stored form. If `isFast` is true, it must not be written to a store. */
  stored: string
  isFast: boolean
}

/** Makes password hashes (Argon2id with the configured cost, as PHC strings) and verifies hashes of all schemes. */
export class PasswordHasher {
  readonly #module: WebAssembly.Module
  readonly #cost: Argon2Cost
  readonly #inFlight: InFlight
  readonly #queue: HashQueue
  readonly #tools: HashTools
  #argon2: Argon2id | null = null
  #decoy: string | null = null

  /** @param module The WebAssembly build of Argon2. The first hash instantiates it. */
  constructor(
    module: WebAssembly.Module,
    cost: Argon2Cost,
    { limits = NO_LIMITS, inFlight = new InFlight(), keys = {} }: HasherOptions = {},
  ) {
    this.#module = module
    this.#cost = cost
    this.#inFlight = inFlight
    this.#queue = new HashQueue(limits, { countRequests: () => inFlight.count })
    this.#tools = { argon2id: (input) => this.#argon2id(input), keys }
  }

  /** Makes a hash with a random salt, as a PHC string. @throws OAuthError temporarily_unavailable */
  async hash(password: Uint8Array): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    const input = { password, salt, cost: this.#cost, hashLength: HASH_BYTES }
    // The hash counts as a request in flight, also after the response is sent.
    const hash = await this.#inFlight.during(() =>
      this.#queue.run({ estimatedMs: argon2idMs(this.#cost) }, (takeTurn) =>
        takeTurn(() => this.#argon2id(input)),
      ),
    )
    return formatArgon2id(this.#cost, salt, hash)
  }

  /**
   * Reads the hash of an imported user, in a format of docs/password-hashes.md.
   *
   * @throws HashRefused if a sign-in cannot verify it
   */
  readImported(text: string): ImportedHash {
    const conversion = convertSelfDescribing(text)
    if (!conversion.isAccepted) {
      throw new HashRefused(conversion.cause, `${conversion.reason}; ${conversion.alternative}`)
    }
    this.#read(conversion.stored)
    return conversion
  }

  /**
   * Returns the text to store for an imported hash. A fast hash is wrapped in Argon2id, which costs one hash.
   *
   * @throws OAuthError temporarily_unavailable
   */
  async adopt({ stored, isFast }: ImportedHash): Promise<string> {
    return isFast ? formatWrapped(stored, await this.hash(readHash(stored).expected)) : stored
  }

  /**
   * Verifies a password. It hashes every form, also after a match, so the duration reveals nothing about the stored hash.
   *
   * @param forms The forms of one password (`passwordForms`).
   * @param stored Null for an unknown user. The work is the same, with a decoy hash.
   * @param options.isSuspect Whether the account or the address failed recently. Such hashes can use only half of the queue.
   * @returns whether one of the forms matches the stored hash
   * @throws CorruptRecord if the stored hash has no supported scheme
   * @throws OAuthError temporarily_unavailable if the queue is full
   */
  async verify(
    forms: readonly Uint8Array[],
    stored: string | null,
    { isSuspect = false }: { isSuspect?: boolean } = {},
  ): Promise<boolean> {
    const { expected, estimatedMs, compute } = this.#readStored(stored ?? this.#decoyHash())
    const work = { estimatedMs: estimatedMs * forms.length, isSuspect }
    const isMatch = await this.#queue.run(work, async (takeTurn) => {
      let isMatch = false
      for (const form of forms) {
        const computed = await takeTurn(() => compute(form, this.#tools))
        isMatch = equalInConstantTime(computed, expected) || isMatch
      }
      return isMatch
    })
    return isMatch && stored !== null
  }

  /**
   * Describes a stored hash if its scheme or cost differs from a new hash; null if both are the same.
   *
   * @throws CorruptRecord
   */
  findOutdated(stored: string): Pick<StoredHash, 'scheme' | 'cost' | 'ignoresPartOf'> | null {
    const decoy = this.#decoyHash()
    const isAsNew = stored.startsWith(argon2idPrefix(this.#cost)) && stored.length === decoy.length
    return isAsNew ? null : this.#readStored(stored)
  }

  /** @throws HashRefused */
  #read(text: string): StoredHash {
    const stored = readHash(text)
    if (stored.key !== undefined) requireHashKey(this.#tools.keys, stored.key)
    return stored
  }

  /** @throws CorruptRecord */
  #readStored(text: string): StoredHash {
    try {
      return this.#read(text)
    } catch (error) {
      throw error instanceof HashRefused ? new CorruptRecord(`a password hash: ${error.message}`) : error
    }
  }

  #argon2id(input: Argon2Input): Uint8Array {
    this.#argon2 ??= new Argon2id(this.#module)
    return this.#argon2.hash(input)
  }

  /** Makes random bytes in the format of a new hash. No known password has this hash. */
  makeUnusable(): string {
    return formatArgon2id(this.#cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES))
  }

  #decoyHash(): string {
    this.#decoy ??= this.makeUnusable()
    return this.#decoy
  }
}

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}
