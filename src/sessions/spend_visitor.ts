import type { AuditEvent } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import { auditSuccess } from '../audit/audit_success.ts'
import { isConfidential } from '../clients/client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import type { ClientTableStore } from '../clients/client_table_store.ts'
import type { Config } from '../config/config.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import { ACCESS_TOKEN_TYPE } from '../tokens/access_token.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import { InvalidToken } from '../tokens/invalid_token.ts'
import { verifyToken } from '../tokens/verify_token.ts'
import { isVisitorId } from '../users/visitor.ts'
import { identifySession } from './identify_session.ts'
import type { SessionShards } from './session_shards.ts'

interface Dependencies {
  config: Pick<Config, 'issuer'>
  keys: KeyRing
  clientTable: Pick<ClientTableStore, 'findValidity'>
  shards: SessionShards
  audit: AuditStore
}

/** A sign-in of a customer who may have been a guest before. */
interface Merge {
  /** The unverified access token of the guest; null if the request lacks one. */
  token: string | null
  /** The subject of the user who signs in. */
  customer: string
}

/**
 * Ends the session of a guest who signs in as a customer. A session ends only once, so only one sign-in can merge the cart. An
 * invalid token does not make the sign-in fail. The server ignores it and records an audit event.
 *
 * @returns the subject of the guest; null without a valid token
 * @throws StorageUnavailable, so that a retry can merge the cart
 */
export async function spendVisitor(
  { token, customer }: Merge,
  request: ClientRequest,
  services: Dependencies,
): Promise<string | null> {
  if (token === null) return null
  try {
    const visitor = await requireLiveVisitor(token, request, services)
    await spend(visitor, request, services)
    const event = {
      kind: 'merge',
      reason: `merged into ${customer}`,
      subject: visitor.subject,
      sid: visitor.sid,
    } as const
    auditSuccess(event, request, services)
    return visitor.subject
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error
    auditRefusal(error.message, customer, request, services)
    return null
  }
}

type VisitorClaims = TokenClaims & { sid: string }

async function requireLiveVisitor(
  token: string,
  { api, context }: ClientRequest,
  { config, keys, clientTable }: Dependencies,
): Promise<VisitorClaims> {
  const expected = { issuer: config.issuer, audience: api.audience, type: ACCESS_TOKEN_TYPE }
  const claims = await verifyToken(token, expected, keys, context)
  const { sid, subject, clientId, issuedAt } = claims
  if (sid === null || !isVisitorId(subject)) throw new InvalidToken('not the token of a guest')
  const validity = await clientTable.findValidity(clientId)
  if (!validity?.enabled || issuedAt < validity.tokensValidFrom) {
    throw new InvalidToken("the guest's client was disabled or its tokens were revoked")
  }
  return { ...claims, sid }
}

/** @throws InvalidToken if the guest's session has already ended */
async function spend(
  visitor: VisitorClaims,
  { api, context }: ClientRequest,
  { shards }: Dependencies,
): Promise<void> {
  const sessions = shards.find(visitor.sid)
  if (sessions === null) throw new InvalidToken('its session names an unknown shard')
  const expiresAt = context.now + api.refreshTokenLifetimeSeconds
  const identity = identifySession(visitor, { api: api.name, expiresAt })
  const isFirst = await sessions.end(identity, 'merged into a customer', context.now)
  if (!isFirst) throw new InvalidToken("the guest's session had already ended")
}

function auditRefusal(
  reason: string,
  customer: string,
  { client, api, context }: ClientRequest,
  { audit }: Dependencies,
): void {
  const event: AuditEvent = {
    kind: 'merge',
    outcome: 'refused',
    reason,
    api: api.name,
    clientId: client.id,
    isFromClient: isConfidential(client),
    subject: customer,
    sid: null,
  }
  audit.record(event, context)
}
