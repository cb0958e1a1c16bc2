// The exports of `@sallyport/verify`.
export type { AuthenticationOptions } from './authentication.ts'
export type { AccessTokenClaims } from './claims.ts'
export type { RevocationOptions, VerifierOptions } from './options.ts'
export type { PasswordClaim } from './password_claims.ts'
export { TokenError, type TokenErrorCode } from './token_error.ts'
export { createVerifier, type Verifier, type VerifyOptions } from './verifier.ts'
