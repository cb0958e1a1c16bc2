/** The members of a successful response, in the order of the JSON (RFC 6749 §5.1). */
export interface TokenResponse {
  token_type: 'Bearer'
  expires_in: number
  access_token: string
  refresh_token?: string
  scope?: string
}
