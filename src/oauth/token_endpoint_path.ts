/** The path of the token endpoint (RFC 6749 §3.2). A client can name its URL in `aud` of an assertion. */
export const TOKEN_ENDPOINT_PATH = '/oauth2-token'
