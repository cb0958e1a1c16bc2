import { type ClientIds, readClientIds } from './clients.ts'
import type { RefusalSettings } from './describe_refusal.ts'
import { type DocumentCache, findLocalCache } from './documents.ts'
import { type DpopMode, type DpopOptions, type DpopSettings, readDpop } from './dpop_options.ts'
import type { Fetch } from './fetch_document.ts'
import type { IntrospectionOptions } from './introspection.ts'
import type { KeyTimes } from './key_source.ts'
import { isSecureOrigin, originOf } from './origin.ts'
import { type PasswordClaim, requirePasswordClaims } from './password_claims.ts'
import {
  type ResourceMetadata,
  type ResourceMetadataOptions,
  readResourceMetadata,
} from './resource_metadata.ts'
import type { MakeBody } from './token_error.ts'
import { warnOfPoll } from './warn_of_poll.ts'

export interface RevocationOptions {
  /** The shortest time between two fetches of the list. Default: 10. */
  pollSeconds?: number
  /** The maximum age of a list. If the list is older, `whenStale` decides. Default: 60. */
  maxAgeSeconds?: number
  /** With an old list, `open` accepts tokens and `closed` refuses them with 503. Default: `open`. */
  whenStale?: 'open' | 'closed'
  /** The largest response in bytes. A larger response counts as a failed fetch. Default: 4194304. */
  maxBytes?: number
  /** The largest number of entries. A longer list counts as a failed fetch. Default: 20000. */
  maxEntries?: number
  /** Gets the error of a failed poll, once if it repeats. The default writes it to the console. */
  onError?: ((error: Error) => void) | undefined
}

export interface VerifierOptions {
  /** The `iss` of every token. The verifier reads the metadata of this URL. */
  issuer: string
  /** The audience of this API: the `aud` of every token. */
  audience: string
  /** True accepts plain http for the issuer and `documentOrigins`, for a private network. Loopback addresses never need it. */
  allowHttp?: boolean
  /** Further origins that can serve the keys and the revocations of the issuer. */
  documentOrigins?: readonly string[]
  /** The accepted difference of clocks, in seconds. Default: 5. */
  leewaySeconds?: number
  /** The accepted claims about the password. The verifier refuses a token with a password claim that is not listed (403). */
  accept?: readonly PasswordClaim[] | undefined
  /** The clients whose tokens are accepted. Absent: each client of the API. */
  clientId?: ClientIds
  /**
   * Whether the API accepts tokens that are bound to a key (RFC 9449), or requires them. An object has more options. The default
   * refuses such tokens.
   */
  dpop?: DpopMode | DpopOptions | undefined
  /** The `realm` of each challenge. UCP requires the issuer. Default: `sallyport`. */
  realm?: string | undefined
  /** Makes the verifier serve the document of this API (RFC 9728), and name it in each challenge. */
  resourceMetadata?: ResourceMetadataOptions | undefined
  /** Makes the JSON body of a refusal, for example `ucpBody`. The default has the code of the refusal as `error`. */
  body?: MakeBody | undefined
  /** False accepts revoked tokens until they expire. */
  revocations?: RevocationOptions | false
  /** The client with which `immediate` requests introspect a token. */
  introspection?: IntrospectionOptions | undefined
  keys?: {
    /** Keys are used this long without a new fetch. Default: 300. */
    freshSeconds?: number
    /** Keys are used this long while the issuer is unreachable. Default: 86,400. */
    staleSeconds?: number
    /** The minimum time between a fetch and the next fetch for an unknown `kid`. Default: 30. */
    cooldownSeconds?: number
  }
  /** Replaces the `fetch` of the runtime, for example with the `fetch` of a service binding. */
  fetch?: Fetch
  /**
   * The cache in which isolates of one data centre share keys and metadata. The default is `caches.default`, if the runtime has it
   * and `fetch` is absent. Null disables the cache.
   */
  cache?: DocumentCache | null
}

/** Checked options with defaults. */
export interface VerifierSettings {
  issuer: string
  audience: string
  /** The origins of documents. The origin of the issuer is the first. */
  origins: readonly string[]
  leewaySeconds: number
  accept: readonly PasswordClaim[]
  /** Null accepts each client. */
  clientIds: readonly string[] | null
  /** Null refuses bound tokens. */
  dpop: DpopSettings | null
  refusals: RefusalSettings
  resourceMetadata: ResourceMetadata | null
  revocations: RevocationSettings | null
  introspection: IntrospectionOptions | null
  keys: KeyTimes
  fetch: Fetch
  cache: DocumentCache | null
}

interface RevocationSettings {
  pollSeconds: number
  /** An older list makes the verifier refuse tokens. Infinite for `whenStale: 'open'`. */
  refusedAfterSeconds: number
  maxBytes: number
  maxEntries: number
  onError: (error: Error) => void
}

/** Twice the maximum of an issuer, which merges its oldest entries above 10,000. */
const MAX_ENTRIES = 20_000
const MAX_BYTES = 4 * 1024 * 1024

/**
 * Checks the options, which often come from environment variables. Without an audience, tokens of every API would pass. A NaN
 * would disable the polls silently. An undefined option has its default, except `clientId`.
 *
 * @throws TypeError that names the option
 */
export function readOptions(options: VerifierOptions): VerifierSettings {
  const { fetch, cache } = options
  const issuer = requireText('issuer', options.issuer)
  const audience = requireText('audience', options.audience)
  const dpop = readDpop(options.dpop)
  const resourceMetadata = readMetadata(options, { issuer, audience, dpop: dpop?.mode ?? null })
  return {
    issuer,
    origins: readOrigins(issuer, options),
    audience,
    leewaySeconds: readSeconds('leewaySeconds', options.leewaySeconds, 5),
    accept: requirePasswordClaims(options.accept ?? []),
    clientIds: readClientIds(options),
    dpop,
    refusals: { ...readRefusals(options, resourceMetadata), dpop: dpop?.mode ?? null },
    resourceMetadata,
    revocations: readRevocations(options.revocations),
    introspection: readIntrospection(options.introspection),
    keys: readKeyTimes(options.keys),
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
    cache: cache === undefined && !fetch ? findLocalCache() : (cache ?? null),
  }
}

function readOrigins(
  issuer: string,
  { allowHttp = false, documentOrigins = [] }: VerifierOptions,
): readonly string[] {
  if (typeof allowHttp !== 'boolean') throw new TypeError('allowHttp must be true or false')
  if (!Array.isArray(documentOrigins)) throw new TypeError('documentOrigins must be a list of origins')
  const others = documentOrigins.map((text: unknown) => {
    const origin = originOf(String(text))
    if (origin === null || origin !== text) {
      throw new TypeError('documentOrigins must be a list of origins, such as https://keys.example.com')
    }
    return requireSecure('documentOrigins', origin, allowHttp)
  })
  const own = originOf(issuer)
  if (own === null) throw new TypeError('issuer must be a URL, such as https://id.example.com')
  return [requireSecure('issuer', own, allowHttp), ...others]
}

function requireSecure(name: string, origin: string, allowHttp: boolean): string {
  if (allowHttp || isSecureOrigin(origin)) return origin
  throw new TypeError(`${name} must be https, unless it is a loopback address or allowHttp is true`)
}

function readMetadata(
  { resourceMetadata }: VerifierOptions,
  resource: Parameters<typeof readResourceMetadata>[1],
): ResourceMetadata | null {
  if (resourceMetadata === undefined) return null
  requireObject('resourceMetadata', resourceMetadata)
  return readResourceMetadata(resourceMetadata, resource)
}

/** Text that a quoted value of a challenge can have without escapes. */
const REALM = /^[\x20\x21\x23-\x5B\x5D-\x7E]+$/

function readRefusals(
  { realm = 'sallyport', body }: VerifierOptions,
  resourceMetadata: ResourceMetadata | null,
): Omit<RefusalSettings, 'dpop'> {
  if (typeof realm !== 'string' || !REALM.test(realm))
    throw new TypeError('realm must be printable ASCII text without quotes and backslashes')
  if (body !== undefined && typeof body !== 'function') throw new TypeError('body must be a function')
  return { realm, resourceMetadataUrl: resourceMetadata?.url ?? null, makeBody: body }
}

function readRevocations(revocations: RevocationOptions | false = {}): RevocationSettings | null {
  if (revocations === false) return null
  requireObject('revocations', revocations)
  const { whenStale = 'open' } = revocations
  if (whenStale !== 'open' && whenStale !== 'closed') {
    throw new TypeError("revocations.whenStale must be 'open' or 'closed'")
  }
  const maxAgeSeconds = readSeconds('revocations.maxAgeSeconds', revocations.maxAgeSeconds, 60)
  return {
    pollSeconds: readSeconds('revocations.pollSeconds', revocations.pollSeconds, 10),
    refusedAfterSeconds: whenStale === 'closed' ? maxAgeSeconds : Number.POSITIVE_INFINITY,
    maxBytes: readLimit('revocations.maxBytes', revocations.maxBytes, MAX_BYTES),
    maxEntries: readLimit('revocations.maxEntries', revocations.maxEntries, MAX_ENTRIES),
    onError: readReporter(revocations.onError),
  }
}

function readIntrospection(introspection: VerifierOptions['introspection']): IntrospectionOptions | null {
  if (introspection === undefined) return null
  requireObject('introspection', introspection)
  return {
    clientId: requireText('introspection.clientId', introspection.clientId),
    clientSecret: requireText('introspection.clientSecret', introspection.clientSecret),
  }
}

function readKeyTimes(keys: VerifierOptions['keys'] = {}): KeyTimes {
  requireObject('keys', keys)
  return {
    freshSeconds: readSeconds('keys.freshSeconds', keys.freshSeconds, 300),
    staleSeconds: readSeconds('keys.staleSeconds', keys.staleSeconds, 86_400),
    cooldownSeconds: readSeconds('keys.cooldownSeconds', keys.cooldownSeconds, 30),
  }
}

function readSeconds(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw new TypeError(`${name} must be a number of seconds, 0 or more`)
}

function readLimit(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value
  throw new TypeError(`${name} must be a whole number, 1 or more`)
}

function readReporter(onError: RevocationOptions['onError'] = warnOfPoll): (error: Error) => void {
  if (typeof onError === 'function') return onError
  throw new TypeError('revocations.onError must be a function')
}

function requireText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`${name} must be text that is not empty`)
}

function requireObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object`)
}
