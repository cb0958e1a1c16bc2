import * as z from 'zod/mini'
import type { ChallengeSettings } from '../../config/challenge_schema.ts'
import { log } from '../../lib/log.ts'
import { parseJson } from '../../lib/parse_json.ts'
import { readText } from '../../lib/read_text.ts'

/** The result of a check; `unknown` if the service is down. */
export type Verdict = 'solved' | 'unsolved' | 'unknown'

const MAX_RESPONSE_BYTES = 64 * 1024

/** The server sends no request for this time after a failure, so that not every sign-in waits for the timeout. */
const REST_SECONDS = 30

/** Error codes that report a fault of the service or of the setup. All other codes report an invalid challenge response. */
const FAULTS: ReadonlySet<string> = new Set([
  'internal-error',
  'missing-input-secret',
  'invalid-input-secret',
  'sitekey-secret-mismatch',
])

const responseSchema = z.object({
  success: z.boolean(),
  'error-codes': z._default(z.array(z.string()), []),
})

/** The service returned no result. The message is for the log. */
class NoVerdict extends Error {
  override name = 'NoVerdict'
}

/** Checks challenge responses with `siteverify`, the common interface of Turnstile, hCaptcha and reCAPTCHA. */
export class ChallengeService {
  readonly #settings: Pick<ChallengeSettings, 'verifyUrl' | 'timeoutMs'>
  readonly #secret: string
  /** Unix seconds. */
  #restsUntil = 0

  constructor(settings: Pick<ChallengeSettings, 'verifyUrl' | 'timeoutMs'>, secret: string) {
    this.#settings = settings
    this.#secret = secret
  }

  /** Whether the service failed in the last REST_SECONDS. */
  isResting(now: number): boolean {
    return now < this.#restsUntil
  }

  /** Never throws; a failure gives `unknown`. @param response Printable ASCII. */
  async check(response: string, now: number): Promise<Verdict> {
    try {
      return await this.#request(response)
    } catch (error) {
      this.#restsUntil = now + REST_SECONDS
      log('warn', 'challenge_service_failed', { reason: reasonOf(error) })
      return 'unknown'
    }
  }

  async #request(response: string): Promise<Verdict> {
    const { verifyUrl, timeoutMs } = this.#settings
    const signal = AbortSignal.timeout(timeoutMs)
    const http = await fetch(verifyUrl, {
      method: 'POST',
      body: new URLSearchParams({ secret: this.#secret, response }),
      headers: { 'User-Agent': 'sallyport' },
      redirect: 'manual',
      signal,
    })
    const { success, 'error-codes': codes } = decodeResponse(
      await readText(http.body, { signal, maxBytes: MAX_RESPONSE_BYTES }),
      http.status,
    )
    const fault = codes.find((code) => FAULTS.has(code))
    if (fault !== undefined) throw new NoVerdict(fault)
    return success ? 'solved' : 'unsolved'
  }
}

/** A caller can cause some 4xx statuses by its input, so these are not an outage. @throws NoVerdict */
function decodeResponse(text: string | null, status: number): z.output<typeof responseSchema> {
  const isAboutRequest = [400, 413, 414, 422].includes(status)
  if (status !== 200 && !isAboutRequest) throw new NoVerdict(`status ${status}`)
  if (text === null) throw new NoVerdict('the response is too long')
  const result = responseSchema.safeParse(parseJson(text))
  if (result.success) return result.data
  if (isAboutRequest) return { success: false, 'error-codes': [] }
  throw new NoVerdict('the response is malformed')
}

/** The reason for the log, without the message of the platform. That message can contain the URL. */
function reasonOf(error: unknown): string {
  if (error instanceof NoVerdict) return error.message
  return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'no connection'
}
