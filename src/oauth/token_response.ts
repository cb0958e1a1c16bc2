/** The members of a successful answer, in the order in which they are written (RFC 6749 §5.1). */
export interface TokenResponse {
  token_type: 'Bearer'
  expires_in: number
  access_token: string
  refresh_token?: string
  scope?: string
}
