/** The path of the authorization endpoint (RFC 6749 §3.1), as in OroCommerce. */
export const AUTHORIZATION_PATH = '/oauth2-token/authorize'

/** The path that issues a code for a new guest, as in OroCommerce. */
export const VISITOR_AUTHORIZATION_PATH = '/oauth2-token/authorize-visitor'

/** The path of the logout endpoint (OpenID Connect RP-Initiated Logout §2). */
export const LOGOUT_ENDPOINT_PATH = '/oauth2-token/logout'
