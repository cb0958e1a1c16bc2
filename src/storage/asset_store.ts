import { callStore, READ_TIMEOUT_MS } from '../lib/storage_error.ts'

/** The binding of the static files (`[assets]` in wrangler.toml). */
export interface AssetBinding {
  fetch(url: string): Promise<Response>
}

// The binding ignores the host of an address.
const ORIGIN = 'https://assets.invalid'

/**
 * The static files of the Worker. They are deployed with the Worker, but are no part of its code. Each version of the Worker has its
 * own files.
 */
export class AssetStore {
  readonly #binding: AssetBinding

  constructor(binding: AssetBinding) {
    this.#binding = binding
  }

  /** The content of a file. @throws StorageUnavailable */
  read(name: string): Promise<ArrayBuffer> {
    return callStore(`asset ${name}`, () => this.#fetch(name), READ_TIMEOUT_MS)
  }

  async #fetch(name: string): Promise<ArrayBuffer> {
    const response = await this.#binding.fetch(`${ORIGIN}/${name}`)
    if (!response.ok) throw new Error(`status ${response.status}`)
    return response.arrayBuffer()
  }
}
