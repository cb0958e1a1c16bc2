/** The cost of an Argon2id hash (RFC 9106 §3.1): memory in KiB, passes, lanes. */
export interface Argon2Cost {
  m: number
  t: number
  p: number
}

export interface Argon2Input {
  /** UTF-8 bytes of the password. */
  password: Uint8Array
  salt: Uint8Array
  cost: Argon2Cost
  /** In bytes. */
  hashLength: number
}
