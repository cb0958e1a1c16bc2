import { createTestProofKey, type TestProofKey } from '../packages/verify/src/test_proof_key.ts'
import { get, type HttpRequest, post, require200, type Send } from './exchange.ts'
import { type Operation, STOREFRONT, TOKEN_PATH } from './operations.ts'

/** The proofs of all callers, more than a comparison uses. A proof works once, for 60 seconds. */
const PROOFS = 30_000

const GUEST = post(TOKEN_PATH, {
  grant_type: 'password',
  ...STOREFRONT,
  username: 'guest',
  password: 'guest',
})

/** A guest's tokens with a proof, otherwise as `guest token`. */
export const GUEST_WITH_PROOF: Operation = {
  name: 'guest token with DPoP',
  async open(send, callerCount) {
    const key = await createTestProofKey()
    const metadata = await require200(send, get('/.well-known/oauth-authorization-server'))
    const url: string = JSON.parse(metadata).token_endpoint
    const proofs = await signProofs(callerCount, () => key.prove({ method: 'POST', url }))
    return { next: nextOf(GUEST, proofs), accept() {} }
  },
}

/** A request to an API with a bound token and a proof, otherwise as `verifier`. */
export function boundVerification(service: Send, origin: string): Operation {
  return {
    name: 'verifier with DPoP',
    async open(_send, callerCount) {
      const key = await createTestProofKey()
      const accessToken = await boundToken(service, key)
      const request = get('/', { Authorization: `DPoP ${accessToken}` })
      const target = { method: 'GET', url: `${origin}/` }
      const proofs = await signProofs(callerCount, () => key.prove(target, { accessToken }))
      return { next: nextOf(request, proofs), accept() {} }
    },
  }
}

async function boundToken(service: Send, key: TestProofKey): Promise<string> {
  const metadata = await require200(service, get('/.well-known/oauth-authorization-server'))
  const url: string = JSON.parse(metadata).token_endpoint
  const request = withProof(GUEST, await key.prove({ method: 'POST', url }))
  return JSON.parse(await require200(service, request)).access_token
}

function signProofs(callerCount: number, sign: () => Promise<string>): Promise<string[]> {
  return Promise.all(Array.from({ length: Math.ceil(PROOFS / callerCount) }, sign))
}

function nextOf(request: HttpRequest, proofs: string[]): () => HttpRequest | null {
  return () => {
    const proof = proofs.pop()
    return proof === undefined ? null : withProof(request, proof)
  }
}

function withProof(request: HttpRequest, proof: string): HttpRequest {
  return { ...request, headers: { ...request.headers, DPoP: proof } }
}
