import { decodeProtectedHeader, type JWTPayload, jwtVerify, type ProtectedHeaderParameters } from 'jose'
import {
  type AuthenticationOptions,
  checkAuthentication,
  requireAuthenticationOptions,
} from './authentication.ts'
import { hasCanonicalSignature } from './canonical_signature.ts'
import { type AccessTokenClaims, decodeClaims } from './claims.ts'
import { type ClientIds, checkClient, readClientIds } from './clients.ts'
import { describeRefusal } from './describe_refusal.ts'
import { Discovery } from './discovery.ts'
import { Documents } from './documents.ts'
import { Introspector } from './introspection.ts'
import { ALGORITHMS, KeySource, type VerificationKey } from './key_source.ts'
import { readOptions, type VerifierOptions, type VerifierSettings } from './options.ts'
import { checkPassword, type PasswordClaim, requirePasswordClaims } from './password_claims.ts'
import { invalidToken, Refusal, temporarilyUnavailable } from './refusal.ts'
import { readToken, usesDpop } from './request_token.ts'
import { serveResourceMetadata } from './resource_metadata.ts'
import { RevocationPoller } from './revocation_list.ts'
import { checkScope, readScope } from './scope.ts'
import type { Moment, WaitUntil } from './shared_flight.ts'
import { TokenBinding } from './token_binding.ts'

/** RFC 9068 §2.1. */
const ACCESS_TOKEN_TYPE = 'at+jwt'

/** Header parameters with a key. A forged token could bring its own key in them (RFC 8725 §3.10). */
const EMBEDDED_KEYS = ['jwk', 'jku', 'x5u', 'x5c'] as const

export interface VerifyOptions extends AuthenticationOptions {
  /** The required scope tokens. */
  scope?: string | readonly string[]
  /** Replaces the `accept` of the verifier, for example at the endpoint that sets a new password. */
  accept?: readonly PasswordClaim[] | undefined
  /** Replaces the `clientId` of the verifier, for example with the platform that signed the request. */
  clientId?: ClientIds
  /**
   * True asks the issuer whether the token is live now, and for its current rights. A revoked token is refused at once, and the
   * request waits for the issuer. It needs the option `introspection` of the verifier.
   */
  immediate?: boolean | undefined
  /** The time of the request in Unix seconds. The default is the current time. */
  now?: number
  /** Keeps the isolate alive for a fetch in the background: `ctx.waitUntil` on Workers. */
  waitUntil?: WaitUntil
}

export interface Verifier {
  /**
   * Verifies the access token of a request, or an access token. A token that is bound to a key needs the request with its proof.
   *
   * @throws TokenError with a stable code and the challenge of RFC 6750 or RFC 9449
   * @throws TypeError if an option is invalid
   */
  verify(input: Request | string, options?: VerifyOptions): Promise<AccessTokenClaims>

  /**
   * Serves the document of this API (RFC 9728) at its well-known paths.
   *
   * @returns Null if the request is for another path
   * @throws TypeError if the verifier has no `resourceMetadata`
   */
  serveResourceMetadata(request: Request): Response | null
}

/**
 * Makes a verifier for one API. It fetches the metadata, the keys and the revocations of the issuer. After the first request, a
 * request usually does not wait for a fetch.
 *
 * @throws TypeError that names an invalid option
 */
export function createVerifier(options: VerifierOptions): Verifier {
  return new AccessTokenVerifier(readOptions(options))
}

/** The checked options of one request. */
interface Demands {
  scope: readonly string[]
  accept: readonly PasswordClaim[]
  clientIds: readonly string[] | null
  authentication: AuthenticationOptions
  /** Null for a request that is not immediate. */
  introspector: Introspector | null
}

class AccessTokenVerifier implements Verifier {
  readonly #settings: VerifierSettings
  readonly #keys: KeySource
  readonly #revocations: RevocationPoller | null
  readonly #introspector: Introspector | null
  readonly #binding: TokenBinding

  constructor(settings: VerifierSettings) {
    const { issuer, fetch, revocations, introspection } = settings
    const documents = new Documents(fetch, settings.cache, settings.keys)
    const discovery = new Discovery(settings, documents)
    this.#settings = settings
    this.#keys = new KeySource(discovery, documents, settings.keys)
    const dependencies = { issuer, discovery, keys: this.#keys, fetch, leewaySeconds: settings.leewaySeconds }
    this.#revocations = revocations && new RevocationPoller({ ...dependencies, ...revocations })
    this.#binding = new TokenBinding(settings.dpop)
    this.#introspector = introspection && new Introspector(introspection, { discovery, fetch })
  }

  async verify(input: Request | string, options: VerifyOptions = {}): Promise<AccessTokenClaims> {
    const demands = this.#readDemands(options)
    const { now = Math.floor(Date.now() / 1000), waitUntil } = options
    try {
      return await this.#verify(input, demands, { now, waitUntil })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw describeRefusal(error, this.#settings.refusals, {
        scope: demands.scope,
        usesDpop: usesDpop(input),
      })
    }
  }

  serveResourceMetadata(request: Request): Response | null {
    const { resourceMetadata } = this.#settings
    if (resourceMetadata === null) throw new TypeError('the verifier has no resourceMetadata')
    return serveResourceMetadata(request, resourceMetadata)
  }

  #readDemands(options: VerifyOptions): Demands {
    const { accept, clientIds } = this.#settings
    requireAuthenticationOptions(options)
    return {
      scope: readScope('scope', options.scope),
      accept: options.accept === undefined ? accept : requirePasswordClaims(options.accept),
      clientIds: readClientIds(options) ?? clientIds,
      authentication: options,
      introspector: options.immediate ? this.#requireIntrospector() : null,
    }
  }

  #requireIntrospector(): Introspector {
    if (this.#introspector === null) throw new TypeError('immediate needs the option introspection')
    return this.#introspector
  }

  async #verify(input: Request | string, demands: Demands, moment: Moment): Promise<AccessTokenClaims> {
    const presented = readToken(input, this.#settings.dpop !== null)
    const { payload, key } = await this.#verifySignature(presented.token, moment)
    const issued = decodeClaims(payload)
    const { leewaySeconds } = this.#settings
    if (issued.issuedAt > moment.now + leewaySeconds) throw invalidToken('it was issued in the future')
    checkClient(issued.clientId, demands.clientIds)
    await this.#checkRevocations(issued, moment)
    // A compromised key has no entry in the list. But a list that another key signed makes the verifier fetch the keys.
    if (!this.#keys.has(key)) throw invalidToken('the issuer revoked its key')
    await this.#binding.check(presented, issued, moment.now)
    const claims = (await demands.introspector?.refresh(presented.token, issued, moment.now)) ?? issued
    checkPassword(claims, demands.accept)
    checkScope(claims.scope, demands.scope)
    checkAuthentication(claims, demands.authentication, moment.now - leewaySeconds)
    return claims
  }

  async #verifySignature(
    token: string,
    moment: Moment,
  ): Promise<{ payload: JWTPayload; key: VerificationKey }> {
    const key = await this.#requireKey(readHeader(token), moment)
    const { issuer, audience, leewaySeconds } = this.#settings
    const options = {
      algorithms: [key.alg],
      typ: ACCESS_TOKEN_TYPE,
      issuer,
      audience,
      currentDate: new Date(moment.now * 1000),
      clockTolerance: leewaySeconds,
      requiredClaims: ['exp', 'iat'],
    }
    try {
      const { payload } = await jwtVerify(token, key.key, options)
      if (!hasCanonicalSignature(token)) throw new Error('the signature is not in its canonical form')
      return { payload, key }
    } catch (error) {
      throw invalidToken(error instanceof Error ? error.message : String(error), { cause: error })
    }
  }

  async #requireKey({ kid, alg }: ProtectedHeaderParameters, moment: Moment): Promise<VerificationKey> {
    if (!kid) throw invalidToken('it names no key')
    const key = await this.#keys.find(kid, moment).catch((error: unknown) => {
      throw temporarilyUnavailable('the keys of the issuer cannot be fetched', { cause: error })
    })
    if (key === null) throw invalidToken('it is not signed by a key of the issuer')
    if (key.alg !== alg) throw invalidToken('its algorithm is not that of its key')
    return key
  }

  async #checkRevocations(claims: AccessTokenClaims, moment: Moment): Promise<void> {
    const poller = this.#revocations
    if (!poller) return
    await poller.poll(moment)
    if (poller.isTooOld(moment.now)) {
      const cause = poller.lastError
      const why = cause === null ? '' : `: ${cause.message}`
      throw temporarilyUnavailable(`the revocations are older than maxAgeSeconds${why}`, { cause })
    }
    const revokedBy = poller.findRevocation(claims)
    if (revokedBy === 'all') throw invalidToken('it was issued before a revocation of all tokens')
    if (revokedBy !== null) throw invalidToken(`it was revoked by its ${revokedBy}`)
  }
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
  if (embedded) throw invalidToken(`its header has a key: ${embedded}`)
  if (header.crit !== undefined) throw invalidToken('it has critical extensions')
  return header
}
