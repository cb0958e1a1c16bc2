import type { BreachedPasswordSettings } from '../../config/breached_passwords_schema.ts'
import { log } from '../../lib/log.ts'
import { readText } from '../../lib/read_text.ts'
import { isInRange, rangeOf } from './password_range.ts'

/** Whether a list has a password, or why that is not known. */
export type Finding = { kind: 'found' } | { kind: 'clear' } | { kind: 'unknown'; reason: string }

/** Several times what a padded range takes. */
const MAX_ANSWER_BYTES = 256 * 1024

/** How long it is not asked after it failed: not every sign-in is to wait for the timeout while it is away. */
const REST_SECONDS = 30

/** The service gave no range. The message is for the log and the audit trail: nothing of the address is in it. */
class NoRange extends Error {
  override name = 'NoRange'
}

/** A list of passwords from known breaches, asked by the range API of Pwned Passwords (k-anonymity). */
export class RangeService {
  readonly #settings: Pick<BreachedPasswordSettings, 'rangeUrl' | 'timeoutMs'>
  /** Unix seconds. */
  #restsUntil = 0

  constructor(settings: Pick<BreachedPasswordSettings, 'rangeUrl' | 'timeoutMs'>) {
    this.#settings = settings
  }

  /** Never fails: whatever goes wrong leaves it unknown. @param password Of `encodePassword`. */
  async find(password: Uint8Array, now: number): Promise<Finding> {
    if (now < this.#restsUntil) return { kind: 'unknown', reason: 'not asked, it failed a moment ago' }
    const { prefix, suffix } = await rangeOf(password)
    try {
      const isFound = isInRange(await this.#ask(prefix), suffix)
      if (isFound === null) throw new NoRange('a broken answer')
      return { kind: isFound ? 'found' : 'clear' }
    } catch (error) {
      const reason = reasonOf(error)
      this.#restsUntil = now + REST_SECONDS
      log('warn', 'range_service_failed', { reason })
      return { kind: 'unknown', reason }
    }
  }

  async #ask(prefix: string): Promise<string> {
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
    const text = await readText(response.body, { signal, maxBytes: MAX_ANSWER_BYTES })
    if (text === null) throw new NoRange('too long a response')
    return text
  }
}

/** In words of our own: a message of the platform may have the address in it, and with it a part of the hash. */
function reasonOf(error: unknown): string {
  if (error instanceof NoRange) return error.message
  return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'no connection'
}
