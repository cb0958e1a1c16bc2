import * as z from 'zod/mini'
import { days, lifetime } from './numbers.ts'
import { isServiceUrl } from './origin.ts'

/** What comes of a password that a known breach has. */
export const BREACH_OUTCOMES = ['claim', 'change'] as const

/** The server appends the prefix of the hash to this URL. */
function isRangeUrl(text: string): boolean {
  return isServiceUrl(text) && text.endsWith('/')
}

export const breachedPasswords = z.strictObject(
  {
    range_url: z
      .string('must be a URL, such as https://api.pwnedpasswords.com/range/')
      .check(
        z.refine(
          isRangeUrl,
          'must be https, or http on a loopback address, with a slash at its end and no user, query or fragment',
        ),
      ),
    outcome: z._default(
      z.enum(BREACH_OUTCOMES, `must be one of ${BREACH_OUTCOMES.join(', ')}`),
      BREACH_OUTCOMES[0],
    ),
    timeout: z._default(lifetime(1, 10), 1),
    recheck_days: z._default(days(1, 365), 30),
  },
  'must be a table with range_url, outcome, timeout and recheck_days',
)
