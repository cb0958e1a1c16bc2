import type { MakeBody, TokenError, TokenErrorCode } from './token_error.ts'

export interface UcpOptions {
  /** The version of the protocol in the profile of the business, such as `2026-04-08`. */
  version: string
  /** The page on which a user must do a step before the sign-in, such as creating an account. */
  continueUrl?: string | undefined
}

/** An error message of UCP (schema `message_error`). */
interface UcpMessage {
  code: string
  content: string
  severity: 'recoverable' | 'requires_buyer_review'
}

/** The request needs a token of a user that is valid now. */
const IDENTITY_REQUIRED: UcpMessage = {
  code: 'identity_required',
  content: 'The user must link their account.',
  severity: 'requires_buyer_review',
}

/** The platform repeats the request with another proof. The user does nothing. */
const PROOF_REQUIRED = ({ code }: TokenError): UcpMessage => ({
  code,
  content: 'The request needs a new DPoP proof.',
  severity: 'recoverable',
})

const MESSAGES: Readonly<Record<TokenErrorCode, (error: TokenError) => UcpMessage>> = {
  missing_token: () => IDENTITY_REQUIRED,
  invalid_token: () => IDENTITY_REQUIRED,
  invalid_dpop_proof: PROOF_REQUIRED,
  use_dpop_nonce: PROOF_REQUIRED,
  insufficient_user_authentication: () => IDENTITY_REQUIRED,
  insufficient_scope: ({ scope }) => ({
    code: 'insufficient_scope',
    content: `This operation requires the scopes ${scope.join(', ')}.`,
    severity: 'requires_buyer_review',
  }),
  password_change_required: () => ({
    code: 'insufficient_scope',
    content: 'The user must set a new password first.',
    severity: 'requires_buyer_review',
  }),
  temporarily_unavailable: ({ code }) => ({
    code,
    content: 'The token cannot be verified at present. Send the request again later.',
    severity: 'recoverable',
  }),
}

/**
 * Makes the option `body` of a verifier for an API of the Universal Commerce Protocol (capability
 * `dev.ucp.common.identity_linking`): the refusals are UCP error responses with `messages`.
 */
export function ucpBody({ version, continueUrl }: UcpOptions): MakeBody {
  return (error) => {
    const message = MESSAGES[error.code](error)
    return {
      ucp: { version, status: 'error' },
      messages: [{ type: 'error', ...message }],
      ...(continueUrl !== undefined && message === IDENTITY_REQUIRED && { continue_url: continueUrl }),
    }
  }
}
