/** How a client authenticated a request (RFC 6749 §2.3). */
export type ClientProof =
  /** A request of a public client. */
  | { method: 'none' }
  /** `secretHash` is the SHA-256 of the presented secret, base64url. */
  | { method: 'client_secret'; secretHash: string }
  | KeyProof

/** An assertion that a key of the client signed. */
export interface KeyProof {
  method: 'private_key_jwt'
  /** The name of the inline key (`nameOfKey`), or the `jwks_uri` that has the key. */
  key: string
  /** Null if the assertion has no `jti`. */
  jti: string | null
  /** The end of the assertion, Unix seconds. */
  expiresAt: number
}

/** The proof of a request that authenticates no client. */
export const NO_PROOF: ClientProof = { method: 'none' }
