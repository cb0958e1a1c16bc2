import type { AuditStore } from '../audit/audit_store.ts'
import { auditSuccess } from '../audit/audit_success.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import type { Config } from '../config/config.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import type { GrantedScope } from '../oauth/scope.ts'
import type { TokenResponse } from '../oauth/token_response.ts'
import type { SessionFacts } from '../tokens/claims.ts'
import { issueTokens } from '../tokens/issue_tokens.ts'
import type { PasswordState } from '../users/password_state.ts'
import type { SignInGuard, VerifiedSignIn } from '../users/sign_in_guard.ts'
import { clientMethodOf } from './client_method.ts'
import type { SessionShards } from './session_shards.ts'

interface Dependencies {
  config: Pick<Config, 'issuer' | 'openIdEnabled' | 'refreshTokensEnabled' | 'sessionLifetimeSeconds'>
  keys: KeyRing
  shards: SessionShards
  guard: SignInGuard
  audit: AuditStore
}

/** A sign-in that succeeded. */
export interface SignedIn {
  subject: string
  roles: readonly string[]
  passwordState: PasswordState
  scope: GrantedScope
  /** The `iat` of the tokens, in Unix seconds. */
  issuedAt: number
  /** Other facts of the session, for all its tokens. */
  facts: Omit<SessionFacts, 'sid'>
  /** How the user signed in, for the audit trail. */
  by: 'guest' | 'password'
  /** The sign-in that the guard records; null for a guest or an operator's own password change. */
  signIn: VerifiedSignIn | null
}

/** Issues the first tokens of a new session. The response waits for no write to a store. */
export async function startSession(
  { by, facts, signIn, ...signedIn }: SignedIn,
  request: ClientRequest,
  services: Dependencies,
): Promise<TokenResponse> {
  const { client, api, context, proofKey } = request
  const { subject, scope, issuedAt } = signedIn
  const capSeconds = services.config.sessionLifetimeSeconds ?? Infinity
  const expiresAt = issuedAt + Math.min(lifetimesOf(client, api).refreshTokenSeconds, capSeconds)
  const sid = services.shards.newSid(context)
  const session = {
    facts: { ...facts, sid, keyThumbprint: proofKey, clientMethod: clientMethodOf(request) },
    seq: 0,
    scope: scope.tokens,
    expiresAt,
    hasRefreshToken: true,
  }
  const response = await issueTokens({ ...signedIn, client, api, proofKey, session }, services, context)
  // The event has the `iat` of the tokens. With an earlier time, an old revocation could appear to follow the sign-in.
  const dated = { ...request, context: { ...context, now: issuedAt } }
  auditSuccess({ kind: 'issue', reason: by, subject, sid, grant: by }, dated, services)
  if (signIn !== null) {
    const owner = { sid, browser: null, clientId: client.id, api: api.name }
    services.guard.recordSignIn(signIn, { ...owner, startedAt: issuedAt, expiresAt })
  }
  return response
}
