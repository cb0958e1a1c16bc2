import * as z from 'zod/mini'
import { days, lifetime } from './numbers.ts'
import { isSecure } from './origin.ts'

/** What comes of a password that a known breach has. */
export const BREACH_OUTCOMES = ['claim', 'change'] as const

/** The prefix is put right behind it, so there is nothing in the address that would end up before that. */
function isRangeUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && url.origin + url.pathname === text && text.endsWith('/') && isSecure(url)
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
