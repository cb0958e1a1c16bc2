import { base64url } from 'jose'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import { splitOnce } from '../lib/split_once.ts'

/** The lifetime of a nonce. */
const NONCE_SECONDS = 120

/** How far the clock of the isolate that made a nonce can be ahead. */
const AHEAD_SECONDS = 30

const MAC_BYTES = 16

/** Nonces for DPoP proofs (RFC 9449 §8). A nonce is a time and its MAC, so every isolate accepts it, and no store has it. */
export class DpopNonces {
  readonly #hash: KeyedHash

  constructor(hash: KeyedHash) {
    this.#hash = hash
  }

  /** @param now Unix seconds. */
  async issue(now: number): Promise<string> {
    const time = String(now)
    return `${time}.${await this.#macOf(time)}`
  }

  async isCurrent(nonce: string, now: number): Promise<boolean> {
    const [time, mac] = splitOnce(nonce, '.')
    const age = now - Number(time)
    const isRecent = /^\d{1,12}$/.test(time) && age < NONCE_SECONDS && age >= -AHEAD_SECONDS
    return isRecent && mac === (await this.#macOf(time))
  }

  async #macOf(time: string): Promise<string> {
    return base64url.encode((await this.#hash.digest(time)).subarray(0, MAC_BYTES))
  }
}
