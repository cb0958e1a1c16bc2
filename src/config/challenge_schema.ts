import * as z from 'zod/mini'
import { check, oneOf, secondsToMs } from './checks.ts'
import { keyWithDefault, mapping, optionalKey, requiredKey, type ValuesOf } from './key.ts'
import { isServiceUrl } from './origin.ts'

const verifyUrl = check(
  z
    .string('must be a URL, such as https://challenges.cloudflare.com/turnstile/v0/siteverify')
    .check(
      z.refine(isServiceUrl, 'must be https, or http on a loopback address, without user, query or fragment'),
    ),
  {
    bounds: 'https, no user, query or fragment; http on a loopback address if the issuer is one',
    unit: 'URL',
  },
)

const keysOfService = {
  verifyUrl: requiredKey('verify_url', {
    check: verifyUrl,
    description: 'The URL at which the service checks a challenge response',
  }),
  whenDown: keyWithDefault('when_down', {
    check: oneOf(['open', 'closed']),
    default: 'open',
    description: 'While the service is down: `open` lets the sign-in continue, `closed` refuses it with 503',
  }),
  timeoutMs: keyWithDefault('timeout', {
    check: secondsToMs(1, 10),
    default: 2,
    description: 'The timeout of a request to the service',
  }),
}

/** The service that checks the responses of a challenge, such as Turnstile. */
export type ChallengeSettings = ValuesOf<typeof keysOfService>

export const challengeKeys = {
  challenge: optionalKey('challenge', {
    check: mapping(keysOfService),
    absent: 'no challenge',
    description: 'A challenge, such as Turnstile, for sign-ins with recent failures',
  }),
}
