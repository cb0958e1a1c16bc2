import type { ClientRequest } from '../clients/client_request.ts'
import { requireNoActiveRevocation } from '../clients/require_current_client.ts'
import { invalidClient } from '../oauth/errors.ts'
import type { FailureCause } from '../oauth/failure_cause.ts'
import { issueTimeOf } from '../users/user.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { Holder } from './holder_check.ts'
import type { HolderProblem, HolderQuery } from './holder_conditions.ts'

/** The refresh token or the code that a client exchanges for tokens. `issuedAt` is in Unix seconds. */
interface Exchanged {
  subject: string
  issuedAt: number
}

/** The query for the holder of an exchanged refresh token or code. */
export function describeExchange(
  { subject, issuedAt }: Exchanged,
  { client, proof, api, context: { now } }: ClientRequest,
): HolderQuery {
  return {
    clientId: client.id,
    api: api.name,
    pool: api.userPool,
    secretHash: proof.method === 'client_secret' ? proof.secretHash : null,
    clientKey: proof.method === 'private_key_jwt' ? proof.key : null,
    jti: null,
    issuedAt,
    now,
    kind: 'exchanged',
    validSince: Math.max(client.tokensValidFrom, client.accessValidFrom),
    subject: isVisitorId(subject) ? null : subject,
  }
}

/**
 * Refuses the problems of a holder that do not concern the exchanged token or code, so that the client can use it again.
 *
 * @throws CorruptRecord if a `tokensValidFrom` is too far in the future
 * @throws OAuthError invalid_client for a retired secret or a removed key; temporarily_unavailable if the client lost a scope or a grant in the last
 *   seconds
 */
export function requireRepeatable(
  { problem, user, clientValidFrom }: Holder,
  { client, context: { now } }: ClientRequest,
): void {
  if (problem === 'the sign-out time is in the future' && user !== null) issueTimeOf(user, now)
  if (problem === 'the client lost a scope or a grant seconds ago')
    requireNoActiveRevocation(client.id, clientValidFrom, now)
  if (problem === 'the client secret was retired' || problem === 'the key of the client was removed')
    throw invalidClient(problem)
}

const CAUSES: ReadonlyMap<HolderProblem, FailureCause> = new Map([
  ['the user is disabled', 'disabled_user'],
  ['the user was deleted', 'unknown_user'],
  ['all sessions of the user were ended later', 'ended_session'],
  ["the client's tokens were revoked", 'ended_session'],
  ['the browser session ended', 'ended_session'],
  ['the consent was withdrawn', 'ended_session'],
])

/** The cause of a problem with the holder of a token, for the statistics. */
export function causeOf(problem: HolderProblem | null): FailureCause {
  return (problem === null ? undefined : CAUSES.get(problem)) ?? 'other'
}
