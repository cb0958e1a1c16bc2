import { base64url } from 'jose'

/** The lifetime of a nonce. */
const NONCE_SECONDS = 120

/** How far the clock of the isolate that made a nonce can be ahead. */
const AHEAD_SECONDS = 30

const MAC_BYTES = 16

/** A message authentication code with a secret of the server. */
export interface Mac {
  digest(text: string): Promise<Uint8Array>
}

/** Nonces for DPoP proofs (RFC 9449 §8). A nonce is a time and its MAC, so every isolate accepts it, and no store has it. */
export class DpopNonces {
  readonly #mac: Mac

  constructor(mac: Mac) {
    this.#mac = mac
  }

  /** @param now Unix seconds. */
  async issue(now: number): Promise<string> {
    const mac = await this.#mac.digest(String(now))
    return `${now}.${base64url.encode(mac.subarray(0, MAC_BYTES))}`
  }

  async isCurrent(nonce: string, now: number): Promise<boolean> {
    const [time = ''] = nonce.split('.')
    const age = now - Number(time)
    const isRecent = /^\d{1,12}$/.test(time) && age < NONCE_SECONDS && age >= -AHEAD_SECONDS
    return isRecent && nonce === (await this.issue(Number(time)))
  }
}
