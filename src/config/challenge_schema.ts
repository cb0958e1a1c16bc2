import * as z from 'zod/mini'
import { lifetime } from './numbers.ts'
import { isServiceUrl } from './origin.ts'

/** What a sign-in with recent failures gets while the service of the challenge is down. */
export const CHALLENGE_OUTAGES = ['open', 'closed'] as const

export const challenge = z.strictObject(
  {
    verify_url: z
      .string('must be a URL, such as https://challenges.cloudflare.com/turnstile/v0/siteverify')
      .check(
        z.refine(
          isServiceUrl,
          'must be https, or http on a loopback address, without user, query or fragment',
        ),
      ),
    when_down: z._default(
      z.enum(CHALLENGE_OUTAGES, `must be one of ${CHALLENGE_OUTAGES.join(', ')}`),
      CHALLENGE_OUTAGES[0],
    ),
    timeout: z._default(lifetime(1, 10), 2),
  },
  'must be a table with verify_url, when_down and timeout',
)
