/** How and when a user proved who they are. */
export interface Proof {
  /** When the user proved the first factor. Unix seconds. */
  authTime: number
  /** The methods (RFC 8176). */
  amr: readonly string[]
  /** The level (RFC 9470). */
  acr: string
}
