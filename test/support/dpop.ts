import { exportJWK, type JWK } from 'jose'
import {
  createTestProofKey,
  type ProofOptions,
  type TestProofKey,
} from '../../packages/verify/src/test_proof_key.ts'
import type { TestServer } from './server.ts'
import { ISSUER } from './server.ts'

const TOKEN = '/oauth2-token'

/** The parts of a proof. The defaults are those of a right proof for a POST to the token endpoint. */
interface ProofParts extends ProofOptions {
  method?: string
  path?: string
}

/** The key of a client, and the proofs that it signs for the server. */
export class DpopKey {
  readonly #key: TestProofKey

  private constructor(key: TestProofKey) {
    this.#key = key
  }

  static async create(alg = 'ES256'): Promise<DpopKey> {
    return new DpopKey(await createTestProofKey({ alg }))
  }

  get jwk(): JWK {
    return this.#key.jwk
  }

  get thumbprint(): string {
    return this.#key.thumbprint
  }

  /** Signs a proof for a request at the time of the server. */
  prove(
    { clock }: Pick<TestServer, 'clock'>,
    { method = 'POST', path = TOKEN, ...options }: ProofParts = {},
  ): Promise<string> {
    return this.#key.prove({ method, url: ISSUER + path }, { now: clock.time, ...options })
  }

  exportPrivate(): Promise<JWK> {
    return exportJWK(this.#key.privateKey)
  }
}
