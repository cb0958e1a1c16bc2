// What `sallyport/verify` exports.
export type { AccessTokenClaims } from './claims.ts'
export { TokenError, type TokenErrorCode } from './token_error.ts'
export {
  createVerifier,
  type RevocationOptions,
  type Verifier,
  type VerifierOptions,
  type VerifyOptions,
} from './verifier.ts'
