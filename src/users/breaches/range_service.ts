import type { BreachedPasswordSettings } from '../../config/breached_passwords_schema.ts'
import { log } from '../../lib/log.ts'
import { readText } from '../../lib/read_text.ts'
import { isInRange, rangeOf } from './password_range.ts'

/** Whether the list has a password, or the reason why the check failed. */
export type Finding = { kind: 'found' } | { kind: 'clear' } | { kind: 'unknown'; reason: string }

/** Several times the size of a range with padding. */
const MAX_RESPONSE_BYTES = 256 * 1024

/** The server sends no request for this time after a failure, so that not every sign-in waits for the timeout. */
const REST_SECONDS = 30

/** The service returned no range. The message is for the log and the audit trail, and has no part of the URL. */
class NoRange extends Error {
  override name = 'NoRange'
}

/** Checks passwords with the range API of Pwned Passwords (k-anonymity). */
export class RangeService {
  readonly #settings: Pick<BreachedPasswordSettings, 'rangeUrl' | 'timeoutMs'>
  /** Unix seconds. */
  #restsUntil = 0

  constructor(settings: Pick<BreachedPasswordSettings, 'rangeUrl' | 'timeoutMs'>) {
    this.#settings = settings
  }

  /** Never throws; a failure gives `unknown`. @param password The result of `encodePassword`. */
  async find(password: Uint8Array, now: number): Promise<Finding> {
    if (now < this.#restsUntil)
      return { kind: 'unknown', reason: 'not sent, because the service failed recently' }
    const { prefix, suffix } = await rangeOf(password)
    try {
      const isFound = isInRange(await this.#request(prefix), suffix)
      if (isFound === null) throw new NoRange('the response is malformed')
      return { kind: isFound ? 'found' : 'clear' }
    } catch (error) {
      const reason = reasonOf(error)
      this.#restsUntil = now + REST_SECONDS
      log('warn', 'range_service_failed', { reason })
      return { kind: 'unknown', reason }
    }
  }

  async #request(prefix: string): Promise<string> {
    const { rangeUrl, timeoutMs } = this.#settings
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(rangeUrl + prefix, {
      headers: { 'Add-Padding': 'true', 'User-Agent': 'sallyport' },
      redirect: 'manual',
      signal,
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new NoRange(`status ${response.status}`)
    }
    const text = await readText(response.body, { signal, maxBytes: MAX_RESPONSE_BYTES })
    if (text === null) throw new NoRange('the response is too long')
    return text
  }
}

/** The reason, without the message of the platform. That message can contain the URL, which has a part of the hash. */
function reasonOf(error: unknown): string {
  if (error instanceof NoRange) return error.message
  return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'no connection'
}
