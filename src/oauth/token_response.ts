/** The members of a successful response, in the order of the JSON (RFC 6749 §5.1). */
export interface TokenResponse {
  /** `DPoP` if the access token is bound to a key (RFC 9449 §5). */
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  access_token: string
  refresh_token?: string
  scope?: string
  /** Only with the scope `openid` (OpenID Connect Core §3.1.3.3). */
  id_token?: string
}
