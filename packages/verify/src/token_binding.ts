import { base64url } from 'jose'
import type { AccessTokenClaims } from './claims.ts'
import { DpopNonces } from './dpop_nonces.ts'
import type { DpopSettings } from './dpop_options.ts'
import {
  type DpopProof,
  InvalidProof,
  PROOF_EXPIRY_SECONDS,
  type ProofTarget,
  verifyDpopProof,
} from './dpop_proof.ts'
import { ProofMemory, type ReplayStore } from './proof_memory.ts'
import { invalidDpopProof, invalidToken, temporarilyUnavailable, useDpopNonce } from './refusal.ts'
import type { PresentedToken } from './request_token.ts'
import { SecretMac } from './secret_mac.ts'

/** The most proofs that an isolate remembers. */
const MAX_PROOFS = 20_000

/** Checks that the sender of a token has the key that the token is bound to (RFC 9449 §7). */
export class TokenBinding {
  readonly #settings: DpopSettings | null
  readonly #nonces: DpopNonces | null
  readonly #memory = new ProofMemory(MAX_PROOFS)

  /** @param settings Null refuses each bound token. */
  constructor(settings: DpopSettings | null) {
    const secret = settings?.nonceSecret ?? null
    this.#settings = settings
    this.#nonces = secret === null ? null : new DpopNonces(new SecretMac(secret))
  }

  /** @throws Refusal 401; 503 if the shared replay store fails */
  async check(
    { token, request, isDpop }: PresentedToken,
    { keyThumbprint }: Pick<AccessTokenClaims, 'keyThumbprint'>,
    now: number,
  ): Promise<void> {
    const settings = this.#settings
    if (keyThumbprint === null) {
      if (isDpop || settings?.mode === 'required') throw invalidToken('it is not bound to a key')
      return
    }
    if (settings === null) throw invalidToken('it is bound to a key, and the verifier has no option dpop')
    if (request === null) throw invalidToken('it is bound to a key, so verify needs the request')
    if (!isDpop) throw invalidToken('it is bound to a key, and the scheme is not DPoP')
    const target = { method: request.method, url: settings.publicUrlOf(request), accessToken: token, now }
    const proof = await verifyProof(request, target)
    if (proof.thumbprint !== keyThumbprint) throw invalidToken('it is bound to another key than the proof')
    await this.#requireNonce(proof, now)
    await this.#acceptOnce(proof, settings.replayStore, now)
  }

  async #requireNonce({ nonce }: DpopProof, now: number): Promise<void> {
    const nonces = this.#nonces
    if (nonces === null || (nonce !== null && (await nonces.isCurrent(nonce, now)))) return
    throw useDpopNonce(await nonces.issue(now))
  }

  async #acceptOnce({ thumbprint, jti }: DpopProof, store: ReplayStore | null, now: number): Promise<void> {
    const id = `${thumbprint} ${jti}`
    const expiresAt = now + PROOF_EXPIRY_SECONDS
    const isNew = this.#memory.remember(id, expiresAt, now)
    if (!isNew || (store !== null && !(await rememberShared(store, id, { expiresAt, now }))))
      throw invalidDpopProof('the proof was used before')
  }
}

async function verifyProof(request: Request, target: ProofTarget): Promise<DpopProof> {
  const proof = request.headers.get('DPoP')
  if (proof === null) throw invalidDpopProof('the request has no proof')
  try {
    return await verifyDpopProof(proof, target)
  } catch (error) {
    throw error instanceof InvalidProof ? invalidDpopProof(error.message, { cause: error }) : error
  }
}

/** The store gets a hash, because the client chooses the length and the characters of a `jti`. */
async function rememberShared(
  store: ReplayStore,
  id: string,
  { expiresAt, now }: { expiresAt: number; now: number },
): Promise<boolean> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(id))
  try {
    return await store.remember(base64url.encode(new Uint8Array(hash)), expiresAt, now)
  } catch (error) {
    throw temporarilyUnavailable('the replay store failed', { cause: error })
  }
}
