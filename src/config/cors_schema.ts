import * as z from 'zod/mini'
import { check, DAY, listOf, seconds } from './checks.ts'
import { keyWithDefault, mapping } from './key.ts'
import { isPageOrigin } from './page_origin.ts'

const origin = check(z.string('must be an origin').check(isPageOrigin), {
  bounds: 'exact origins without path and wildcard; https, or http on a loopback address',
})

const headerName = check(
  z.string('must be a header name').check(
    z.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be a header name'),
    z.refine((value) => value !== '*', 'must be a header name, not a wildcard'),
  ),
  { bounds: 'header names without wildcard' },
)

const keysOfCors = {
  allowOrigins: keyWithDefault('allow_origins', {
    check: listOf(origin, 'origins'),
    default: [],
    description: 'The origins whose pages can read every response',
  }),
  allowHeaders: keyWithDefault('allow_headers', {
    check: listOf(headerName, 'header names'),
    default: [],
    description: 'The request headers that a page can send in addition to `Content-Type` and `Authorization`',
  }),
  preflightMaxAgeSeconds: keyWithDefault('preflight_max_age', {
    check: seconds(0, DAY),
    default: 600,
    description: 'How long a browser can cache the response to a preflight',
  }),
}

export const corsKeys = {
  cors: keyWithDefault('cors', {
    check: mapping(keysOfCors),
    default: {},
    description: 'Access of web pages (CORS)',
  }),
}
