import * as z from 'zod/mini'
import { isPageOrigin } from '../config/page_origin.ts'
import { listOf } from '../lib/input_schemas.ts'
import { findLinkProblem } from '../lib/page_links.ts'
import { CLIENT_GRANTS } from '../oauth/grant_type.ts'
import { SCOPE_TOKEN } from '../oauth/scope.ts'
import { findRedirectUriProblem, MAX_REDIRECT_URIS } from './redirect_uri.ts'

export const grantsSchema = z
  .array(z.enum(CLIENT_GRANTS, `must be one of ${CLIENT_GRANTS.join(', ')}`), 'must be a list of grants')
  .check(
    z.minLength(1, 'must have at least one grant'),
    z.refine((items) => new Set(items).size === items.length, 'must not list a grant twice'),
  )
export const scopeSchema = z
  .string('must be a scope')
  .check(z.regex(SCOPE_TOKEN, 'must be one scope token (RFC 6749 §3.3)'))
export const originSchema = z.string('must be an origin').check(isPageOrigin)
export const redirectUris = listOf(uriSchema(findRedirectUriProblem), 'redirect URIs', MAX_REDIRECT_URIS)
export const link = z.nullable(uriSchema(findLinkProblem))

/** A text with a rule that finds its problem. */
export function uriSchema(findProblem: (uri: string) => string | null) {
  return z
    .string('must be a URI')
    .check(z.refine((uri) => findProblem(uri) === null, { error: ({ input }) => findProblem(String(input)) }))
}

export function lifetimeSchema(min: number, max: number) {
  const seconds = z
    .int(`must be ${min} to ${max} seconds, or without a value, so that the lifetime of the API applies`)
    .check(z.gte(min, `must be at least ${min} seconds`), z.lte(max, `must be at most ${max} seconds`))
  return z.nullable(seconds)
}

const RETRY_WINDOW_RANGE =
  'must be 0 to 3600 seconds, or without a value, so that the value of config.yml applies'
export const retryWindow = z.nullable(
  z.int(RETRY_WINDOW_RANGE).check(z.gte(0, RETRY_WINDOW_RANGE), z.lte(3600, RETRY_WINDOW_RANGE)),
)

export const storedText = z.string()
export const storedList = z.array(z.string())
export const storedLink = z.nullable(z.string())
export const storedLifetime = z.nullable(z.int().check(z.gte(60)))
