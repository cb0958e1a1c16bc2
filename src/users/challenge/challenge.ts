import type { Config } from '../../config/config.ts'
import { challengeRequired, temporarilyUnavailable, tooManyAttempts } from '../../oauth/errors.ts'
import { ChallengeService } from './challenge_service.ts'

/** The characters and the greatest length of a challenge response that the server sends to the service. */
const RESPONSE = /^[\x21-\x7e]{1,8192}$/

/** The wait that replaces a challenge on a page, from the last failure of the account or of the address. */
const PAGE_WAIT_SECONDS = 10

/** The members of a sign-in that the challenge needs. */
export interface ChallengeAttempt {
  /** The API of the sign-in. */
  api: string | null
  /** The challenge response, as the request has it; null if the request has none. */
  response: string | null
}

/** Requires a solved challenge, such as Turnstile, if config.yml has `challenge`. */
export class Challenge {
  readonly #isClosed: boolean
  readonly #service: ChallengeService | null
  /** The API of operators. The console and the CLI have no challenge. */
  readonly #exemptApi: string | null

  /** @param secret The secret of this server for the service; null if config.yml has no challenge. */
  constructor({ challenge, adminApi }: Pick<Config, 'challenge' | 'adminApi'>, secret: string | null) {
    this.#isClosed = challenge?.whenDown === 'closed'
    this.#service = challenge === null || secret === null ? null : new ChallengeService(challenge, secret)
    this.#exemptApi = adminApi?.name ?? null
  }

  /**
   * Requires a solved challenge for a sign-in with recent failures. The service accepts each response once.
   *
   * @throws OAuthError challenge_required; temporarily_unavailable if the service is down and `when_down` is `closed`
   */
  async require({ api, response }: ChallengeAttempt, now: number): Promise<void> {
    if (this.#service === null || api === this.#exemptApi) return
    const verdict = this.#service.isResting(now) ? 'unknown' : await this.#check(response, now)
    if (verdict === 'unsolved') throw challengeRequired('the service does not accept the response')
    if (verdict === 'unknown' && this.#isClosed) {
      throw temporarilyUnavailable('the service of the challenge is down')
    }
  }

  /**
   * Requires a wait in place of a challenge. A page loads nothing from another host, so it cannot show the challenge of a service.
   *
   * @param failedAt The last failure of the account or of the address. Unix seconds.
   * @throws OAuthError too_many_attempts
   */
  requireWait({ api, failedAt }: { api: string | null; failedAt: number }, now: number): void {
    if (this.#service === null || api === this.#exemptApi) return
    const seconds = failedAt + PAGE_WAIT_SECONDS - now
    if (seconds > 0) throw tooManyAttempts('a page waits in place of a challenge', seconds)
  }

  async #check(response: string | null, now: number) {
    const isPossible = this.#service !== null && response !== null && RESPONSE.test(response)
    return isPossible ? this.#service.check(response, now) : 'unsolved'
  }
}
