import type { AuditEvent } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import { auditSuccess } from '../audit/audit_success.ts'
import { isFromClient } from '../audit/is_from_client.ts'
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

/** The session of a guest: the subject and the session id. */
export interface Visitor {
  subject: string
  sid: string
}

type VisitorRequest = Pick<ClientRequest, 'client' | 'api' | 'context'>

/** The members of a request that a check of a visitor token needs. `proofKey` is the key that the client proves now or at the exchange of its code. */
type KeyedRequest = VisitorRequest & Pick<ClientRequest, 'proofKey'>

/** A request, and whether a client with a secret sent it. A browser sends an authorization request without a secret. */
type SentRequest<Request extends VisitorRequest = VisitorRequest> = Request & { isFromClient: boolean }

/**
 * Ends the session of a guest who signs in as a customer. A session ends only once, so only one sign-in can merge the cart. An
 * invalid token does not make the sign-in fail. The server ignores it and records an audit event.
 *
 * @returns the subject of the guest; null without a valid token
 * @throws StorageUnavailable, so that a retry can merge the cart
 */
export async function endGuestSession(
  { token, customer }: Merge,
  request: KeyedRequest,
  services: Dependencies,
): Promise<string | null> {
  if (token === null) return null
  try {
    const visitor = await requireLiveVisitor(token, request, services)
    await endOnce(visitor, request, services)
    auditMerge(visitor, customer, request, services)
    return visitor.subject
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error
    auditRefusal(
      { reason: error.message, customer },
      { ...request, isFromClient: isFromClient(request.client) },
      services,
    )
    return null
  }
}

/**
 * Verifies the visitor token of an authorization request. The exchange of the code ends the session of the guest. An invalid
 * token does not make the sign-in fail.
 *
 * @returns null without a valid token
 * @throws StorageUnavailable, CorruptRecord
 */
export async function findVisitor(
  token: string | null,
  request: SentRequest<KeyedRequest>,
  services: Omit<Dependencies, 'shards'>,
): Promise<Visitor | null> {
  if (token === null) return null
  try {
    if (!request.client.isFirstParty) throw new InvalidToken('a third-party client sent a visitor token')
    const { subject, sid } = await requireLiveVisitor(token, request, {
      ...services,
      // The client of the request is current, so a guest of the same client needs no read.
      clientTable: {
        findValidity: async (id) =>
          id === request.client.id ? request.client : services.clientTable.findValidity(id),
      },
    })
    return { subject, sid }
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error
    auditRefusal({ reason: error.message, customer: null }, request, services)
    return null
  }
}

/** Records the audit event of a merge at the exchange of a code. */
export function auditCodeMerge(
  { visitor, isMerged }: { visitor: Visitor; isMerged: boolean },
  customer: string,
  request: VisitorRequest,
  services: Pick<Dependencies, 'audit'>,
): void {
  if (isMerged) auditMerge(visitor, customer, request, services)
  else
    auditRefusal(
      { reason: HAS_ENDED, customer },
      { ...request, isFromClient: isFromClient(request.client) },
      services,
    )
}

const HAS_ENDED = "the guest's session had already ended"

type VisitorClaims = TokenClaims & { sid: string }

async function requireLiveVisitor(
  token: string,
  { api, proofKey, context }: KeyedRequest,
  { config, keys, clientTable }: Omit<Dependencies, 'shards'>,
): Promise<VisitorClaims> {
  const expected = { issuer: config.issuer, audience: api.audience, type: ACCESS_TOKEN_TYPE }
  const claims = await verifyToken(token, expected, keys, context)
  const { sid, subject, clientId, issuedAt, keyThumbprint } = claims
  if (sid === null || !isVisitorId(subject)) throw new InvalidToken('not the token of a guest')
  if (keyThumbprint !== null && keyThumbprint !== proofKey)
    throw new InvalidToken('the token is bound to another key')
  const validity = await clientTable.findValidity(clientId)
  if (!validity?.enabled || issuedAt < validity.tokensValidFrom) {
    throw new InvalidToken("the guest's client was disabled or its tokens were revoked")
  }
  return { ...claims, sid }
}

/** @throws InvalidToken if the guest's session has already ended */
async function endOnce(
  visitor: VisitorClaims,
  { api, context }: VisitorRequest,
  { shards }: Dependencies,
): Promise<void> {
  const sessions = shards.find(visitor.sid)
  if (sessions === null) throw new InvalidToken('its session names an unknown shard')
  const expiresAt = context.now + api.refreshTokenLifetimeSeconds
  const identity = identifySession(visitor, { api: api.name, expiresAt })
  const isFirst = await sessions.end(identity, 'merged into a customer', context.now)
  if (!isFirst) throw new InvalidToken(HAS_ENDED)
}

function auditMerge(
  { subject, sid }: Visitor,
  customer: string,
  request: VisitorRequest,
  services: Pick<Dependencies, 'audit'>,
): void {
  const event = { kind: 'merge', reason: `merged into ${customer}`, subject, sid } as const
  auditSuccess(event, request, services)
}

/** @param refusal `customer` is the subject of the user who signs in; null before the sign-in. */
function auditRefusal(
  { reason, customer }: { reason: string; customer: string | null },
  { client, api, context, isFromClient }: SentRequest,
  { audit }: Pick<Dependencies, 'audit'>,
): void {
  const event: AuditEvent = {
    kind: 'merge',
    outcome: 'refused',
    reason,
    api: api.name,
    clientId: client.id,
    isFromClient,
    subject: customer,
    sid: null,
  }
  audit.record(event, context)
}
