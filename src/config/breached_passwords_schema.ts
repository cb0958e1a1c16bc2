import * as z from 'zod/mini'
import { check, daysToSeconds, oneOf, secondsToMs } from './checks.ts'
import { keyWithDefault, mapping, optionalKey, requiredKey, type ValuesOf } from './key.ts'
import { isServiceUrl } from './origin.ts'

/** The server appends the prefix of the hash to this URL. */
function isRangeUrl(text: string): boolean {
  return isServiceUrl(text) && text.endsWith('/')
}

const rangeUrl = check(
  z
    .string('must be a URL, such as https://api.pwnedpasswords.com/range/')
    .check(
      z.refine(
        isRangeUrl,
        'must be https (or http on a loopback address), end with a slash, and have no user, query or fragment',
      ),
    ),
  {
    bounds:
      'https with a slash at its end, no user, query or fragment; http on a loopback address if the issuer is one',
    unit: 'URL',
  },
)

const keysOfService = {
  rangeUrl: requiredKey('range_url', {
    check: rangeUrl,
    description: 'A service with the range API of Pwned Passwords',
  }),
  outcome: keyWithDefault('outcome', {
    check: oneOf(['claim', 'change']),
    default: 'claim',
    description:
      'The result of a sign-in with a breached password. `claim`: the usual tokens, with a claim. `change`: tokens that can only change the password',
  }),
  timeoutMs: keyWithDefault('timeout', {
    check: secondsToMs(1, 10),
    default: 1,
    description: 'The timeout of a request to the service',
  }),
  recheckSeconds: keyWithDefault('recheck_days', {
    check: daysToSeconds(1, 365),
    default: 30,
    description: 'How long the result of a check counts',
  }),
}

/** The service that knows breached passwords, and the effect of a breached password. */
export type BreachedPasswordSettings = ValuesOf<typeof keysOfService>

export const breachedPasswordKeys = {
  breachedPasswords: optionalKey('breached_passwords', {
    check: mapping(keysOfService),
    absent: 'no check',
    description: 'The check of passwords against known breaches',
  }),
}
