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

/** The isolate that it hashes in; none for a program that hashes for itself alone. */
interface Surroundings {
  limits?: PasswordQueueLimits
  inFlight?: InFlight
  /** The Worker secret HASH_KEYS. */
  keys?: HashKeys
}

/** An imported hash that is accepted. */
export interface ImportedHash {
  /** Its stored form. If `isFast` is true, it must not be written to a store. */
  stored: string
  isFast: boolean
}

/** Makes password hashes, Argon2id at the configured cost in PHC form, and checks those of every scheme. */
export class PasswordHasher {
  readonly #module: WebAssembly.Module
  readonly #cost: Argon2Cost
  readonly #inFlight: InFlight
  readonly #queue: HashQueue
  readonly #tools: HashTools
  #argon2: Argon2id | null = null
  #decoy: string | null = null

  /** @param module The WebAssembly build of Argon2, set up at the first hash, not at start. */
  constructor(
    module: WebAssembly.Module,
    cost: Argon2Cost,
    { limits = NO_LIMITS, inFlight = new InFlight(), keys = {} }: Surroundings = {},
  ) {
    this.#module = module
    this.#cost = cost
    this.#inFlight = inFlight
    this.#queue = new HashQueue(limits, { countRequests: () => inFlight.count })
    this.#tools = { argon2id: (input) => this.#argon2id(input), keys }
  }

  /** A new hash with a random salt, as a PHC string. @throws OAuthError temporarily_unavailable */
  async hash(password: Uint8Array): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    const input = { password, salt, cost: this.#cost, hashLength: HASH_BYTES }
    // The request may be answered already: what waits is counted all the same.
    const hash = await this.#inFlight.during(() =>
      this.#queue.run({ estimatedMs: argon2idMs(this.#cost) }, (takeTurn) =>
        takeTurn(() => this.#argon2id(input)),
      ),
    )
    return formatArgon2id(this.#cost, salt, hash)
  }

  /**
   * Reads the hash of an imported user: a stored form, or any text that names its own scheme.
   *
   * @throws HashRefused where a sign-in could not check it
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
   * The text to store for an imported hash. A fast hash is wrapped in Argon2id, at the price of one hash.
   *
   * @throws OAuthError temporarily_unavailable
   */
  async adopt({ stored, isFast }: ImportedHash): Promise<string> {
    return isFast ? formatWrapped(stored, await this.hash(readHash(stored).expected)) : stored
  }

  /**
   * Whether a form of the password gives the stored hash. Where there is no user, `stored` is null, and the same work
   * is done on a decoy. Every form is hashed, fit or not: how long it takes tells no more than who typed it knows.
   *
   * @param forms Of one password (`passwordForms`).
   * @param options.isSuspect Whether the account or its caller failed recently: such hashes have half of the queue.
   * @throws CorruptRecord where the stored hash is not one that is taken
   * @throws OAuthError temporarily_unavailable where too many wait to be hashed
   */
  async verify(
    forms: readonly Uint8Array[],
    stored: string | null,
    { isSuspect = false }: { isSuspect?: boolean } = {},
  ): Promise<boolean> {
    const { expected, estimatedMs, compute } = this.#readStored(stored ?? this.#decoyHash())
    const work = { estimatedMs: estimatedMs * forms.length, isSuspect }
    const fits = await this.#queue.run(work, async (takeTurn) => {
      let fits = false
      for (const form of forms) {
        const computed = await takeTurn(() => compute(form, this.#tools))
        fits = equalInConstantTime(computed, expected) || fits
      }
      return fits
    })
    return fits && stored !== null
  }

  /**
   * Describes a stored hash of another scheme or cost than a new one has; null for a hash like a new one.
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

  /** Random bytes in the form of a new hash, which no known password matches. */
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
