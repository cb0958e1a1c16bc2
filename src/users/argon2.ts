import type { Argon2Input } from '@sallyport/formats/argon2_input'

/** RFC 9106 §3.1: the version 0x13 and the type id of Argon2id in the reference implementation. */
const VERSION = 0x13
const ARGON2ID = 2

/** The used exports of the WebAssembly build of the reference implementation. */
interface Argon2Exports {
  memory: WebAssembly.Memory
  malloc(byteLength: number): number
  free(address: number): void
  argon2_hash(...parameters: number[]): number
  _initialize(): void
}

/** Argon2id in a precompiled WebAssembly module. A call blocks the thread of the isolate until the hash is done. */
export class Argon2id {
  readonly #module: WebAssembly.Module
  #exports: Argon2Exports
  /** The largest memory of a hash in the current instance, in KiB. */
  #largestMemory = 0

  constructor(module: WebAssembly.Module) {
    this.#module = module
    this.#exports = instantiate(module)
  }

  /**
   * Computes the raw hash. All lengths are in bytes. This code does not use the wrapper of the package. The wrapper
   * ignores the end of a password that is not ASCII, because it uses the length of the string (docs/decisions/0002).
   *
   * @throws Error if the module refuses the parameters or has no memory left
   */
  hash({ password, salt, cost, hashLength }: Argon2Input): Uint8Array {
    this.#makeRoom(cost.m)
    const hashAt = this.#allocate(hashLength)
    const saltAt = this.#copyIn(salt)
    const passwordAt = this.#copyIn(password)
    try {
      const { m, t, p } = cost
      const code = this.#exports.argon2_hash(
        t,
        m,
        p,
        passwordAt,
        password.length,
        saltAt,
        salt.length,
        hashAt,
        hashLength,
        0,
        0,
        ARGON2ID,
        VERSION,
      )
      if (code !== 0) throw new Error(`argon2 refused with code ${code}`)
      return this.#bytes(hashAt, hashLength).slice()
    } finally {
      this.#bytes(passwordAt, password.length).fill(0)
      for (const address of [passwordAt, saltAt, hashAt]) this.#exports.free(address)
    }
  }

  /**
   * Replaces the instance before a hash that needs more memory. An instance cannot reuse its memory for a larger block: a hash of
   * 64 MiB after a hash of 19 MiB needs 83 MiB.
   */
  #makeRoom(memory: number): void {
    if (memory > this.#largestMemory && this.#largestMemory > 0) this.#exports = instantiate(this.#module)
    this.#largestMemory = Math.max(memory, this.#largestMemory)
  }

  #copyIn(bytes: Uint8Array): number {
    const address = this.#allocate(bytes.length)
    this.#bytes(address, bytes.length).set(bytes)
    return address
  }

  #allocate(byteLength: number): number {
    const address = this.#exports.malloc(Math.max(1, byteLength))
    if (address === 0) throw new Error('argon2 has no memory left')
    return address
  }

  /** Returns a view of the memory of the module. A view is invalid after the memory grows. */
  #bytes(address: number, byteLength: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, address, byteLength)
  }
}

function instantiate(module: WebAssembly.Module): Argon2Exports {
  const exports = new WebAssembly.Instance(module).exports as unknown as Argon2Exports
  exports._initialize()
  return exports
}
