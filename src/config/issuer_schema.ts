import * as z from 'zod/mini'
import { ERROR_DIALECTS } from '../oauth/error_dialect.ts'
import { check, oneOf } from './checks.ts'
import { keyWithDefault, requiredKey } from './key.ts'
import { isSecure, parseOrigin } from './origin.ts'

const issuer = check(
  z.string('must be an origin, such as https://id.example.com').check(
    z.refine(
      (value) => parseOrigin(value) !== null,
      'must be an origin in lower case without a path, a final slash and the default port, such as https://id.example.com',
    ),
    z.refine((value) => {
      const origin = parseOrigin(value)
      return origin === null || isSecure(origin)
    }, 'must be https, unless it is a loopback address'),
  ),
  { bounds: 'https without a path, or http on a loopback address', unit: 'origin' },
)

export const issuerKeys = {
  issuer: requiredKey('issuer', {
    check: issuer,
    description:
      'The URL at which clients reach this server: the `iss` of every token and the base of the metadata',
  }),
  errorDialect: keyWithDefault('errors', {
    check: oneOf(ERROR_DIALECTS),
    default: 'rfc6749',
    description: 'The format of error responses ([errors.md](errors.md))',
  }),
}
