import type { Config } from '../../config/config.ts'
import { challengeRequired, temporarilyUnavailable } from '../../oauth/errors.ts'
import { ChallengeService } from './challenge_service.ts'

/** The longest response of a challenge that is looked at, and its characters. */
const RESPONSE = /^[\x21-\x7e]{1,8192}$/

/** What a sign-in says about a challenge. */
export interface ChallengeAttempt {
  /** The API that the sign-in is for. */
  api: string | null
  /** As the caller sent it; null where it sent none. */
  response: string | null
}

/** Asks for a challenge, such as Turnstile, where config.yml names a service that checks its responses. */
export class Challenge {
  readonly #isClosed: boolean
  readonly #service: ChallengeService | null
  /** Operators sign in by the console and the command line, which have no challenge. */
  readonly #exemptApi: string | null

  /** @param secret How the service knows this server; null where there is no challenge. */
  constructor({ challenge, adminApi }: Pick<Config, 'challenge' | 'adminApi'>, secret: string | null) {
    this.#isClosed = challenge?.whenDown === 'closed'
    this.#service = challenge === null || secret === null ? null : new ChallengeService(challenge, secret)
    this.#exemptApi = adminApi?.name ?? null
  }

  /**
   * Requires a solved challenge of a sign-in with recent failures. Each response is good once: the service keeps count.
   *
   * @throws OAuthError challenge_required; temporarily_unavailable where the service is down and `when_down` is `closed`
   */
  async require({ api, response }: ChallengeAttempt, now: number): Promise<void> {
    if (this.#service === null || api === this.#exemptApi) return
    const verdict = this.#service.isResting(now) ? 'unknown' : await this.#check(response, now)
    if (verdict === 'unsolved') throw challengeRequired('no response that the service accepts')
    if (verdict === 'unknown' && this.#isClosed) {
      throw temporarilyUnavailable('the service of the challenge is down')
    }
  }

  async #check(response: string | null, now: number) {
    const isPossible = this.#service !== null && response !== null && RESPONSE.test(response)
    return isPossible ? this.#service.check(response, now) : 'unsolved'
  }
}
