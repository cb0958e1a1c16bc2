import type { DocumentCache } from './documents.ts'
import type { Fetch } from './fetch_document.ts'
import type { KeyTimes } from './key_source.ts'

export interface RevocationOptions {
  /** How often the list is fetched, at most. */
  pollSeconds?: number
  /** How old the list may be before `whenStale` decides. */
  maxAgeSeconds?: number
  /** Whether tokens are accepted (`open`) or refused with 503 (`closed`) while the list is older than that. */
  whenStale?: 'open' | 'closed'
}

export interface VerifierOptions {
  /** The `iss` of every token, and where its metadata is found. */
  issuer: string
  /** This API: the `aud` of every token. */
  audience: string
  /** How far clocks may be apart, in seconds. */
  leewaySeconds?: number
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

/** The options with their defaults, checked. */
export interface Settings {
  issuer: string
  audience: string
  leewaySeconds: number
  keyTimes: KeyTimes
  /** Null where revocations are not asked for. */
  revocations: Required<RevocationOptions> | null
}

/**
 * What is missing or misspelt must not open the API: an option often comes from a variable that somebody forgot to set.
 *
 * @throws TypeError naming the option
 */
export function requireSettings(options: VerifierOptions): Settings {
  const { keys = {}, revocations = {} } = options
  return {
    issuer: requireText('issuer', options.issuer),
    audience: requireText('audience', options.audience),
    leewaySeconds: requireSeconds('leewaySeconds', options.leewaySeconds, 5),
    keyTimes: {
      freshSeconds: requireSeconds('keys.freshSeconds', keys.freshSeconds, 300),
      staleSeconds: requireSeconds('keys.staleSeconds', keys.staleSeconds, 86_400),
      cooldownSeconds: requireSeconds('keys.cooldownSeconds', keys.cooldownSeconds, 30),
    },
    revocations: revocations === false ? null : requireRevocations(revocations),
  }
}

function requireRevocations(options: RevocationOptions): Required<RevocationOptions> {
  const { whenStale = 'open' } = options
  if (whenStale !== 'open' && whenStale !== 'closed') {
    throw new TypeError('revocations.whenStale must be open or closed')
  }
  return {
    pollSeconds: requireSeconds('revocations.pollSeconds', options.pollSeconds, 10),
    maxAgeSeconds: requireSeconds('revocations.maxAgeSeconds', options.maxAgeSeconds, 60),
    whenStale,
  }
}

function requireText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name} must be text`)
  return value
}

function requireSeconds(name: string, value: unknown, absent: number): number {
  if (value === undefined) return absent
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw new TypeError(`${name} must be a number of seconds`)
}
