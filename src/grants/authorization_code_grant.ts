import { auditSuccess } from '../audit/audit_success.ts'
import { type AuthorizationCode, CODE_SECONDS } from '../authorization/authorization_code.ts'
import { consentIdOf } from '../authorization/consent.ts'
import { hashUri } from '../authorization/issue_code.ts'
import { needsPkce } from '../authorization/parse_request.ts'
import { isVerified } from '../authorization/pkce.ts'
import { clientScopes, guestScopes } from '../clients/allowed_scopes.ts'
import { isConfidential } from '../clients/client.ts'
import { findRequestAbout } from '../clients/client_apis.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { findRedirectUri, withoutLoopbackPort } from '../clients/redirect_uri.ts'
import { requireUnchangedClient } from '../clients/require_current_client.ts'
import { requireGrantedApi } from '../clients/resource.ts'
import { invalidCode, type OAuthError, wrongRedirectUri } from '../oauth/errors.ts'
import { isIdentityScope } from '../oauth/identity_scope.ts'
import { clientMethodOf } from '../sessions/client_method.ts'
import { type CodeSession, closeSession, openSession, REPLAYED } from '../sessions/open_session.ts'
import type { Companions } from '../sessions/session_opening_store.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { hasIdToken, issueTokens } from '../tokens/issue_tokens.ts'
import { describeGuest, describeUser } from '../users/sign_in.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { Grant, GrantServices } from './grant.ts'

/** Exchanges an authorization code for the first tokens of its session (RFC 6749 §4.1.3). */
export const authorizationCodeGrant: Grant = {
  type: 'authorization_code',
  startsSession: false,
  isOffered: () => true,
  isAllowed: (client) => client.grants.includes('authorization_code'),

  async run(received, services) {
    const code = await openCode(received, services)
    const request = requestAbout(code, received, services)
    const { client, api, proofKey, context } = request
    await spendBudgets(code, request, services)
    await requireUnchangedClient(request, services)
    const session = sessionOf(code)
    await requireMatch(code, session, request, services)
    requireGrantedApi(request)
    requireUnchangedRights(code, request)
    const tokens = scopesNow(code, request)
    // A missing key is made before the code is used, because a failure must not use the code.
    if (hasIdToken(tokens, services.config)) await services.keys.currentOf(client.idTokenAlgorithm, context)
    const before = services.metadataClients.additionOf(client, context.now)
    const writes = { before, alongside: await consentOf(code, request, services) }
    const opened = await openSession(session, writes, request, services)
    if (opened === null) throw refuse(code, REPLAYED, 'replayed_token')
    const { user, issuedAt, expiresAt, hasRefreshToken, visitorId } = opened
    const { config } = services
    const holder =
      user === null ? describeGuest(code.sub, context.now) : describeUser(user, config, context.now)
    const scope = { tokens, announce: true }
    const proof = { clientMethod: clientMethodOf(request), keyThumbprint: proofKey }
    const facts = { sid: code.sid, visitorId, ...proof, ...authenticationOf(code) }
    const state = { facts, seq: 0, scope: scope.tokens, expiresAt, hasRefreshToken }
    const issuance = { ...holder, user, client, api, scope, issuedAt, proofKey, session: state }
    const response = await issueTokens(issuance, services, context)
    const event = {
      kind: 'issue',
      reason: user === null ? 'guest' : 'authorization code',
      subject: code.sub,
      sid: code.sid,
    } as const
    auditSuccess({ ...event, grant: 'authorization_code' }, request, services)
    return response
  },
}

/** @throws OAuthError invalid_grant, or temporarily_unavailable if the budget is used up */
async function openCode(
  { client, parameters, context }: ClientRequest,
  { codes, bursts }: GrantServices,
): Promise<AuthorizationCode> {
  const code = await codes.open(parameters.require('code'))
  if (code === null) {
    await bursts.spend('guesses', `code ${client.id}`, context)
    throw invalidCode('the code was not issued by this server', { cause: 'invalid_token' })
  }
  if (code.at + CODE_SECONDS <= context.now) throw refuse(code, 'the code has expired', 'expired_token')
  return code
}

/** The request about the API of its code. @throws OAuthError invalid_grant if the client no longer has the API */
function requestAbout(
  code: AuthorizationCode,
  received: ClientRequest,
  { config }: GrantServices,
): ClientRequest {
  const request = findRequestAbout(received, code.api, config)
  if (request === null) throw refuse(code, 'the client belongs to another API now', 'other')
  return request
}

/** @throws OAuthError temporarily_unavailable if a budget is used up; invalid_grant for a guest whom the client may not have */
async function spendBudgets(
  code: AuthorizationCode,
  request: ClientRequest,
  { bursts }: GrantServices,
): Promise<void> {
  const { client, context } = request
  if (isVisitorId(code.sub)) await admitGuest(code, request, bursts)
  await bursts.spend('refreshes', isConfidential(client) ? code.sid : client.id, context)
}

/** @throws OAuthError invalid_grant, or temporarily_unavailable if the budget of guests is used up */
async function admitGuest(
  code: AuthorizationCode,
  { client, api, context }: ClientRequest,
  bursts: BurstLimits,
): Promise<void> {
  if (!api.guests || !client.isFirstParty) throw refuse(code, 'the client may not have guests now', 'other')
  await bursts.spend('guests', client.id, context)
}

/**
 * Requires the client, the redirect URI, the verifier and the DPoP key (RFC 9449 §10) of the authorization request. If one of them
 * differs, the code may be stolen, so this code no longer works.
 *
 * @throws OAuthError invalid_grant, StorageUnavailable
 */
async function requireMatch(
  code: AuthorizationCode,
  session: CodeSession,
  request: ClientRequest,
  services: GrantServices,
): Promise<void> {
  const { client, parameters } = request
  const isOwn = code.client === client.id
  const about = {
    subject: code.sub,
    sid: code.sid,
    api: code.api,
    cause: isOwn ? 'invalid_token' : 'foreign_token',
  } as const
  const uri = parameters.find('redirect_uri')
  const hasUri = code.uri === null ? true : uri !== null && (await hashUri(uri)) === code.uri
  const hasVerifier = await isVerified(code.challenge, parameters.find('code_verifier'))
  const hasKey = code.key === null || code.key === request.proofKey
  if (isOwn && hasUri && hasVerifier && hasKey) return
  const reason = reasonOf({ isOwn, hasUri, hasKey })
  await closeSession(session, { reason, endsSession: isOwn }, request, services)
  if (isOwn && !hasUri) throw wrongRedirectUri(about)
  throw invalidCode(reason, about)
}

function reasonOf({
  isOwn,
  hasUri,
  hasKey,
}: Readonly<Record<'isOwn' | 'hasUri' | 'hasKey', boolean>>): string {
  if (!isOwn) return 'another client sent its code'
  if (!hasUri) return 'its code had another redirect URI'
  return hasKey ? 'its code had a wrong verifier' : 'its code had another DPoP key'
}

/**
 * Requires that the client could still get the code. An operator can change the client after the code was issued.
 *
 * @throws OAuthError invalid_grant
 */
function requireUnchangedRights(code: AuthorizationCode, request: ClientRequest): void {
  const { client, parameters } = request
  if (code.auth !== null && code.consent === null && !client.isFirstParty)
    throw refuse(code, 'the client needs a consent now', 'other')
  if (code.challenge === null && needsPkce(request)) throw refuse(code, 'the client needs PKCE now', 'other')
  if (code.uri !== null && findRedirectUri(client, parameters.find('redirect_uri')) === null)
    throw refuse(code, 'the client no longer has the redirect URI', 'other')
}

function refuse(
  code: AuthorizationCode,
  reason: string,
  cause: 'replayed_token' | 'expired_token' | 'other',
): OAuthError {
  return invalidCode(reason, { subject: code.sub, sid: code.sid, api: code.api, cause })
}

function sessionOf({ sid, sub, client, api, iat, auth, consent, visitor }: AuthorizationCode): CodeSession {
  return {
    sid,
    subject: sub,
    clientId: client,
    api,
    issuedAt: iat,
    browserId: auth?.browser ?? null,
    consentId: consent?.id ?? null,
    visitor,
  }
}

/**
 * Makes the statement that stores a consent that the user gave for this code. The redirect URI is that of the token request, or the
 * only one of the client. The id of the consent is derived from the redirect URI, so a changed URI is refused.
 *
 * @throws OAuthError invalid_grant if the client has another redirect URI now
 */
async function consentOf(
  code: AuthorizationCode,
  { client, parameters, context }: ClientRequest,
  { consents }: GrantServices,
): Promise<Companions['alongside']> {
  const { sub: subject, client: clientId, api, scope: scopes, iat: issuedAt, consent } = code
  if (!consent?.given) return () => []
  const uri = code.uri === null ? findRedirectUri(client, null) : parameters.find('redirect_uri')
  const covered = { subject, clientId, api, redirectUri: withoutLoopbackPort(uri ?? '') }
  if ((await consentIdOf(covered)) !== consent.id)
    throw refuse(code, 'the client has another redirect URI now', 'other')
  const given = { id: consent.id, ...covered, scopes, issuedAt }
  return (isOpened) => [consents.addition(given, isOpened, context.now)]
}

/** The scopes of the code that the client and the API still allow. */
function scopesNow({ sub, scope }: AuthorizationCode, { client, api }: ClientRequest): string[] {
  const allowed = isVisitorId(sub) ? guestScopes(client, api) : clientScopes(client, api)
  return scope.filter((token) => allowed.includes(token) || (isIdentityScope(token) && !isVisitorId(sub)))
}

function authenticationOf({ auth, nonce }: AuthorizationCode) {
  return auth === null ? {} : { authTime: auth.time, amr: auth.amr, acr: auth.acr, nonce }
}
