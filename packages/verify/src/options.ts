import { type DocumentCache, findLocalCache } from './documents.ts'
import type { Fetch } from './fetch_document.ts'
import type { KeyTimes } from './key_source.ts'
import { isSecureOrigin, originOf } from './origin.ts'
import { type PasswordClaim, requirePasswordClaims } from './password_claims.ts'
import { warnOfPoll } from './warn_of_poll.ts'

export interface RevocationOptions {
  /** How often the list is fetched, at most. */
  pollSeconds?: number
  /** How old the list may be before `whenStale` decides. */
  maxAgeSeconds?: number
  /** Whether tokens are accepted (`open`) or refused with 503 (`closed`) while the list is older than that. */
  whenStale?: 'open' | 'closed'
  /** The most bytes of a response. A longer one is not read further and counts as a failed fetch. */
  maxBytes?: number
  /** The most entries of a list. A longer one counts as a failed fetch. */
  maxEntries?: number
  /** Called with the error of a failed poll; once for an error that repeats. The default writes it to the console. */
  onError?: ((error: Error) => void) | undefined
}

export interface VerifierOptions {
  /** The `iss` of every token, and where its metadata is found. */
  issuer: string
  /** This API: the `aud` of every token. */
  audience: string
  /** True accepts plain http for an issuer and `documentOrigins` that are not loopback addresses: for a private network. */
  allowHttp?: boolean
  /** Further origins from which the issuer's keys and revocations may come. */
  documentOrigins?: readonly string[]
  /** How far clocks may be apart, in seconds. */
  leewaySeconds?: number
  /** Claims about the password that do not refuse a token; by default a token with one is refused with 403. */
  accept?: readonly PasswordClaim[] | undefined
  /** False where revoked tokens are to live until they expire. */
  revocations?: RevocationOptions | false
  /** How long keys are used without asking: 300 s; and while the issuer cannot be reached: 86,400 s. */
  keys?: { freshSeconds?: number; staleSeconds?: number; cooldownSeconds?: number }
  fetch?: Fetch
  /**
   * Where isolates of one location share the issuer's keys and metadata: `caches.default` where the runtime has it and
   * `fetch` is not given; null does without.
   */
  cache?: DocumentCache | null
}

/** Options that were checked, with the defaults filled in. */
export interface VerifierSettings {
  issuer: string
  audience: string
  /** The origins of all documents, the issuer's first. */
  origins: readonly string[]
  leewaySeconds: number
  accept: readonly PasswordClaim[]
  revocations: RevocationSettings | null
  keys: KeyTimes
  fetch: Fetch
  cache: DocumentCache | null
}

interface RevocationSettings {
  pollSeconds: number
  /** How old the list may be; infinite for an API that stays open. */
  refusedAfterSeconds: number
  maxBytes: number
  maxEntries: number
  onError: (error: Error) => void
}

/** Twice the most entries of an issuer, which merges its oldest entries past 10,000. */
const MAX_ENTRIES = 20_000
const MAX_BYTES = 4 * 1024 * 1024

/**
 * Checks what an API configures, often from its environment: without an audience tokens of every API would pass, and
 * comparisons with NaN would switch off the polls without a word. What is undefined has its default.
 *
 * @throws TypeError that names the option
 */
export function readOptions(options: VerifierOptions): VerifierSettings {
  const { fetch, cache } = options
  const issuer = requireText('issuer', options.issuer)
  return {
    issuer,
    origins: readOrigins(issuer, options),
    audience: requireText('audience', options.audience),
    leewaySeconds: readSeconds('leewaySeconds', options.leewaySeconds, 5),
    accept: requirePasswordClaims(options.accept ?? []),
    revocations: readRevocations(options.revocations),
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
