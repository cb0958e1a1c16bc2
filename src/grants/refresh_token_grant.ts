import type { ClientStanding } from '../clients/client.ts'
import type { Config } from '../config/config.ts'
import { invalidClient, invalidRefreshToken, OAuthError } from '../oauth/errors.ts'
import { grantScope } from '../oauth/scope.ts'
import type { SessionIdentity } from '../sessions/session.ts'
import type { SessionStore } from '../sessions/session_store.ts'
import { type RefreshTokenClaims, verifyRefreshToken } from '../tokens/refresh_token.ts'
import { GOOD_STANDING, type PasswordStanding, passwordStandingOf } from '../users/password_standing.ts'
import { isSignedOut, issueTimeOf, type User } from '../users/user.ts'
import { isVisitorId } from '../users/visitor.ts'
import { clientScopes, guestScopes } from './allowed_scopes.ts'
import { auditSuccess } from './audit_success.ts'
import type { ClientRequest, Grant, GrantServices } from './grant.ts'
import { identifySession } from './identify_session.ts'
import { issueTokens, type SessionState } from './issue_tokens.ts'
import { lifetimesOf } from './lifetimes.ts'

/** The person or visitor as they are now, not as they were when the session began. */
interface Subject {
  roles: readonly string[]
  standing: PasswordStanding
  allowedScopes: string[]
  /** Unix seconds: later than now where the person was signed out everywhere a moment ago. */
  issuedAt: number
}

/** A refresh token for an access token and the refresh token's successor (RFC 6749 §6). */
export const refreshTokenGrant: Grant = {
  type: 'refresh_token',
  isOffered: (config) => config.refreshTokensEnabled,
  isAllowed: (client) => client.grants.includes('password'),

  async run(request, services) {
    const { client, parameters, context } = request
    const { issuer } = services.config
    const token = parameters.require('refresh_token')
    const claims = await verifyRefreshToken(token, { keys: services.keys, issuer }, context).catch((error) =>
      countGuess(error, request, services),
    )
    if (claims.clientId !== client.id) throw refuse('issued to another client', claims)
    checkIdle(claims, request)
    const { allowedScopes, ...subject } = await requireSubject(claims, request, services)
    const stillAllowed = claims.scope.filter((scope) => allowedScopes.includes(scope))
    const scope = grantScope(parameters.find('scope'), stillAllowed)
    // Last, since it uses the token up: whatever else is wrong must leave it whole.
    const session = await rotate(claims, request, services)
    return issueTokens({ ...subject, subject: claims.subject, scope, session }, request, services)
  },
}

/** A token that is none of ours may be a guess. @throws the error, or that there were too many */
async function countGuess(
  error: unknown,
  { client, context }: ClientRequest,
  { bursts }: GrantServices,
): Promise<never> {
  if (error instanceof OAuthError) await bursts.spend('guesses', `refresh ${client.id}`, context)
  throw error
}

function refuse(reason: string, { subject, sid }: RefreshTokenClaims) {
  return invalidRefreshToken(reason, { subject, sid })
}

/** A lifetime that was made shorter since holds for tokens that were issued before, too. */
function checkIdle(claims: RefreshTokenClaims, { client, api, context }: ClientRequest): void {
  const expiresAt = claims.issuedAt + lifetimesOf(client, api).refreshTokenSeconds
  if (expiresAt <= context.now) throw refuse('not used for longer than is allowed now', claims)
}

/** Reads the person and the client from the database, so that whoever was cut off is refused at once. */
async function requireSubject(
  claims: RefreshTokenClaims,
  request: ClientRequest,
  { users, clients, config }: GrantServices,
): Promise<Subject> {
  const { client, secretHash, context } = request
  const isVisitor = isVisitorId(claims.subject)
  const [standing, user] = await Promise.all([
    clients.findStanding(client.id, secretHash === null ? null : { hash: secretHash, now: context.now }),
    isVisitor ? null : users.findById(claims.subject),
  ])
  checkClient(standing, claims)
  if (secretHash !== null && !standing?.hasSecret) throw invalidClient('a secret that was retired')
  return isVisitor ? requireVisitor(claims, request) : requireUser(user, claims, { request, config })
}

function checkClient(standing: ClientStanding | null, claims: RefreshTokenClaims): void {
  if (!standing?.enabled) throw refuse('the client is disabled or gone', claims)
  if (claims.issuedAt < standing.tokensValidFrom) throw refuse("the client's tokens were cut off", claims)
}

function requireVisitor(claims: RefreshTokenClaims, { client, api, context }: ClientRequest): Subject {
  if (!api.guests) throw refuse('guests are off', claims)
  const allowedScopes = guestScopes(client, api)
  return { roles: [], standing: GOOD_STANDING, allowedScopes, issuedAt: context.now }
}

function requireUser(
  user: User | null,
  claims: RefreshTokenClaims,
  { request: { client, api, context }, config }: { request: ClientRequest; config: Config },
): Subject {
  if (user === null) throw refuse('the user is gone', claims)
  if (!user.enabled) throw refuse('the user is disabled', claims)
  if (user.pool !== api.userPool) throw refuse('the user is of another pool', claims)
  if (isSignedOut(user, claims)) throw refuse('signed out everywhere since', claims)
  const issuedAt = issueTimeOf(user, context.now)
  const standing = passwordStandingOf(user, config)
  return { roles: user.roles, standing, allowedScopes: clientScopes(client, api), issuedAt }
}

async function rotate(
  claims: RefreshTokenClaims,
  request: ClientRequest,
  services: GrantServices,
): Promise<SessionState> {
  const { config, shards } = services
  const { now } = request.context
  const sessions = shards.find(claims.sid)
  if (sessions === null) throw refuse('its session is of no shard of ours', claims)
  const identity = identify(claims, request, config.sessionLifetimeSeconds)
  if (identity.expiresAt <= now) throw refuse('the session has lived as long as it may', claims)
  const outcome = await sessions.rotate({
    ...identity,
    seq: claims.seq,
    now,
    retryWindowSeconds: config.refreshRetryWindowSeconds,
    sessionLifetimeSeconds: config.sessionLifetimeSeconds,
  })
  if (outcome.kind === 'refused') throw refuse(outcome.reason, claims)
  if (outcome.kind === 'replayed') throw await endForTheft(claims, identity, sessions, { request, services })
  const { sid, subject, scope, visitorId } = claims
  const { seq, expiresAt } = outcome
  const kind = outcome.kind === 'rotated' ? 'refresh' : 'retry'
  auditSuccess({ kind, reason: `token ${claims.seq} gave ${seq}`, subject, sid }, request, services)
  return { sid, seq, scope, expiresAt, visitorId }
}

/** A session began when its first token was issued; its row knows that of a later one. */
function identify(
  claims: RefreshTokenClaims,
  request: ClientRequest,
  capSeconds: number | null,
): SessionIdentity {
  const { client, api, context } = request
  const idleEnd = context.now + lifetimesOf(client, api).refreshTokenSeconds
  const cap = claims.seq === 0 && capSeconds !== null ? claims.issuedAt + capSeconds : Infinity
  return identifySession(claims, { api: api.name, expiresAt: Math.min(idleEnd, cap) })
}

/** Somebody has a copy of a used token: the session ends, for the thief and the owner alike (RFC 9700 §4.14.2). */
async function endForTheft(
  claims: RefreshTokenClaims,
  identity: SessionIdentity,
  sessions: SessionStore,
  { request, services }: { request: ClientRequest; services: GrantServices },
) {
  const { sid, subject, seq } = claims
  const reason = `token ${seq} was used again, too late for a retry`
  const isFirst = await sessions.end(identity, 'replayed refresh token', request.context.now)
  if (isFirst) auditSuccess({ kind: 'theft', reason, subject, sid }, request, services)
  return refuse(reason, claims)
}
