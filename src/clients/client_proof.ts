/**
 * How a client authenticated a request (RFC 6749 §2.3). `none` is a request of a public client. `secretHash` is the SHA-256 of the
 * presented secret, base64url.
 */
export type ClientProof = { method: 'none' } | { method: 'client_secret'; secretHash: string }

/** The proof of a request that authenticates no client. */
export const NO_PROOF: ClientProof = { method: 'none' }
