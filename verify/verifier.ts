import {
  base64url,
  decodeProtectedHeader,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose'
import { type AccessTokenClaims, decodeClaims } from './claims.ts'
import { Discovery } from './discovery.ts'
import { type DocumentCache, Documents, findLocalCache } from './documents.ts'
import type { Fetch } from './fetch_document.ts'
import { ALGORITHMS, KeySource, type VerificationKey } from './key_source.ts'
import { RevocationPoller } from './revocation_list.ts'
import type { Moment, WaitUntil } from './shared_flight.ts'
import { insufficientScope, invalidToken, missingToken, temporarilyUnavailable } from './token_error.ts'

/** RFC 9068 §2.1. */
const ACCESS_TOKEN_TYPE = 'at+jwt'

/** Ways to carry a key in the token itself: what a forger would use (RFC 8725 §3.10). */
const EMBEDDED_KEYS = ['jwk', 'jku', 'x5u', 'x5c'] as const

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

export interface VerifyOptions {
  /** Scope tokens that are all needed. */
  scope?: string | readonly string[]
  /** Unix seconds; the present where absent. */
  now?: number
  /** Keeps the runtime alive for a fetch that no request waits for: `ctx.waitUntil` on Workers. */
  waitUntil?: WaitUntil
}

export interface Verifier {
  /**
   * What a request's access token says, or what a token says.
   *
   * @throws TokenError with a stable code and the RFC 6750 challenge
   */
  verify(input: Request | string, options?: VerifyOptions): Promise<AccessTokenClaims>
}

/**
 * Makes a verifier of one API. It asks the issuer for nothing but its metadata, its keys and its revocations, and in the
 * steady state a request waits for none of them.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  return new AccessTokenVerifier(options)
}

class AccessTokenVerifier implements Verifier {
  readonly #issuer: string
  readonly #audience: string
  readonly #leewaySeconds: number
  readonly #keys: KeySource
  readonly #revocations: RevocationPoller | null
  /** How old the revocations may be; infinite for an API that stays open. */
  readonly #refusedAfterSeconds: number

  constructor({
    issuer,
    audience,
    leewaySeconds = 5,
    revocations = {},
    keys = {},
    ...rest
  }: VerifierOptions) {
    const fetch: Fetch = rest.fetch ?? ((url, init) => globalThis.fetch(url, init))
    const cache = rest.cache === undefined && !rest.fetch ? findLocalCache() : (rest.cache ?? null)
    const times = { freshSeconds: 300, staleSeconds: 86_400, cooldownSeconds: 30, ...keys }
    const documents = new Documents(fetch, cache, times)
    const discovery = new Discovery(issuer, documents)
    this.#issuer = issuer
    this.#audience = audience
    this.#leewaySeconds = leewaySeconds
    this.#keys = new KeySource(discovery, documents, times)
    const { pollSeconds = 10, maxAgeSeconds = 60, whenStale = 'open' } = revocations || {}
    const dependencies = { issuer, discovery, keys: this.#keys, fetch, pollSeconds }
    this.#revocations = revocations === false ? null : new RevocationPoller(dependencies)
    this.#refusedAfterSeconds = whenStale === 'closed' ? maxAgeSeconds : Number.POSITIVE_INFINITY
  }

  async verify(input: Request | string, options: VerifyOptions = {}): Promise<AccessTokenClaims> {
    const now = options.now ?? Math.floor(Date.now() / 1000)
    const moment = { now, waitUntil: options.waitUntil }
    const token = typeof input === 'string' ? input : readBearer(input)
    const claims = decodeClaims(await this.#verifySignature(token, moment))
    if (claims.issuedAt > now + this.#leewaySeconds) throw invalidToken('it was issued in the future')
    await this.#checkRevocations(claims, moment)
    checkScope(claims, options.scope)
    return claims
  }

  async #verifySignature(token: string, moment: Moment): Promise<JWTPayload> {
    const { alg, key } = await this.#requireKey(readHeader(token), moment)
    const options = {
      algorithms: [alg],
      typ: ACCESS_TOKEN_TYPE,
      issuer: this.#issuer,
      audience: this.#audience,
      currentDate: new Date(moment.now * 1000),
      clockTolerance: this.#leewaySeconds,
      requiredClaims: ['exp', 'iat'],
    }
    try {
      const { payload } = await jwtVerify(token, key, options)
      if (!isWrittenExactly(token)) throw new Error('its signature is written another way than it was issued')
      return payload
    } catch (error) {
      throw invalidToken(error instanceof Error ? error.message : String(error), { cause: error })
    }
  }

  async #requireKey({ kid, alg }: ProtectedHeaderParameters, moment: Moment): Promise<VerificationKey> {
    if (!kid) throw invalidToken('it names no key')
    const key = await this.#keys.find(kid, moment).catch((error: unknown) => {
      throw temporarilyUnavailable('the keys of the issuer cannot be fetched', { cause: error })
    })
    if (key === null) throw invalidToken('it is signed by no key of the issuer')
    if (key.alg !== alg) throw invalidToken('its algorithm is not that of its key')
    return key
  }

  async #checkRevocations(claims: AccessTokenClaims, moment: Moment): Promise<void> {
    const poller = this.#revocations
    if (!poller) return
    await poller.poll(moment, this.#refusedAfterSeconds)
    if (poller.ageSeconds(moment.now) > this.#refusedAfterSeconds) {
      throw temporarilyUnavailable(`the revocations are older than ${this.#refusedAfterSeconds} s`)
    }
    const cutoff = poller.findCutoff(claims)
    if (cutoff !== null) throw invalidToken(`it was revoked: by its ${cutoff}`)
  }
}

/**
 * The token of an `Authorization: Bearer` header, and of nowhere else (RFC 6750 §2.1). Another scheme, or none, is no
 * attempt with a token (§3.1).
 */
function readBearer(request: Request): string {
  const authorization = request.headers.get('Authorization') ?? ''
  if (!/^Bearer(?: |$)/i.test(authorization)) throw missingToken()
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? []
  if (token === undefined) throw invalidToken('the Authorization header has no bearer token')
  return token
}

function readHeader(token: string): ProtectedHeaderParameters {
  let header: ProtectedHeaderParameters
  try {
    header = decodeProtectedHeader(token)
  } catch (error) {
    throw invalidToken('it is not a JWT', { cause: error })
  }
  if (!ALGORITHMS.includes(header.alg ?? '')) throw invalidToken('its algorithm is not allowed')
  const embedded = EMBEDDED_KEYS.find((name) => header[name] !== undefined)
  if (embedded) throw invalidToken(`it brings a key of its own: ${embedded}`)
  if (header.crit !== undefined) throw invalidToken('it has critical extensions')
  return header
}

/** Decoders of base64url pass over padding, spaces and spare bits (RFC 7515 §2 has none). The rest is signed as text. */
function isWrittenExactly(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  return base64url.encode(base64url.decode(signature)) === signature
}

function checkScope(claims: AccessTokenClaims, scope: string | readonly string[] = []): void {
  const needed = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : scope
  if (!needed.every((token) => claims.scope.includes(token))) throw insufficientScope(needed)
}
