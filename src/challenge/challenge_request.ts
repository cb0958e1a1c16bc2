import { isFromClient } from '../audit/is_from_client.ts'
import { AuthorizationError, UnprovenRequest } from '../authorization/authorization_error.ts'
import type { AuthorizationRequest, ReturnAddress } from '../authorization/authorization_request.ts'
import { bindToProof, codeKeyOf } from '../authorization/bind_to_proof.ts'
import { checkAgain } from '../authorization/check_again.ts'
import { readHintedSubject } from '../authorization/id_token_hint.ts'
import { type Fail, parseAuthorizationRequest, readChallenge } from '../authorization/parse_request.ts'
import { requestHolderOf } from '../authorization/request_holder.ts'
import { isConfidential } from '../clients/client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { findRedirectUri } from '../clients/redirect_uri.ts'
import { invalidAuthorizationRequest, unauthorizedClient } from '../oauth/errors.ts'
import { findVisitor } from '../sessions/end_guest_session.ts'
import type { ChallengeServices } from './challenge_services.ts'

/** The redirect URI of a request that cannot continue in a browser. */
export const NO_REDIRECT_URI = ''

/**
 * Whether a client may sign users in by steps: a first-party client with the code grant that authenticates, or proves its DPoP key
 * (First-Party Applications draft §9.4).
 */
export function maySignInBySteps({ client, proofKey }: Pick<ClientRequest, 'client' | 'proofKey'>): boolean {
  const isProven = isConfidential(client) || proofKey !== null
  return client.isFirstParty && isProven && client.grants.includes('authorization_code')
}

/** @throws OAuthError unauthorized_client */
export function requireStepClient(request: ClientRequest): void {
  if (!maySignInBySteps(request))
    throw unauthorizedClient(`${request.client.id} may not sign users in by steps`)
}

/**
 * Reads the authorization request in the first request of a sign-in (First-Party Applications draft §5.1). The redirect URI is for
 * `redirect_to_web` only, so a client with several may leave it out.
 *
 * @throws OAuthError with the errors of an authorization request; StorageUnavailable, CorruptRecord
 */
export async function readChallengeRequest(
  request: ClientRequest,
  services: ChallengeServices,
): Promise<AuthorizationRequest> {
  const { client, api, proofKey, parameters, context } = request
  const { config } = services
  return withWireErrors(async () => {
    const address = readAddress(request)
    const visitorToken = parameters.find('visitor_access_token')
    const visitorRequest = { ...request, proofKey: codeKeyOf(request), isFromClient: isFromClient(client) }
    const [hintedSubject, visitor] = await Promise.all([
      readHintedSubject(parameters, address, services, context),
      findVisitor(visitorToken, visitorRequest, services),
    ])
    const holder = requestHolderOf({ client, api }, config)
    const hints = { hintedSubject, visitor }
    return bindToProof(parseAuthorizationRequest(parameters, holder, address, hints, context.now), proofKey)
  })
}

/**
 * Checks the request of an earlier step against the current record of its client. A sign-in that began at the token endpoint has no `code_challenge`,
 * so a later request can add it.
 *
 * @throws OAuthError with the errors of an authorization request
 */
export function checkRequestAgain(
  earlier: AuthorizationRequest,
  { client, api, parameters }: ClientRequest,
  { config: { openIdEnabled } }: Pick<ChallengeServices, 'config'>,
): Promise<AuthorizationRequest> {
  const fail: Fail = (failure) => {
    throw new AuthorizationError(failure, earlier)
  }
  return withWireErrors(async () => {
    const codeChallenge = earlier.codeChallenge ?? readChallenge(parameters, { client, api }, fail)
    return checkAgain({ ...earlier, codeChallenge }, { client, api, openIdEnabled })
  })
}

function readAddress({ client, parameters }: ClientRequest): ReturnAddress & { hasRedirectUri: boolean } {
  const requested = parameters.find('redirect_uri')
  const redirectUri = findRedirectUri(client, requested)
  if (requested !== null && redirectUri === null)
    throw new UnprovenRequest(`${client.id} has not registered the redirect URI`)
  return {
    clientId: client.id,
    redirectUri: redirectUri ?? NO_REDIRECT_URI,
    responseMode: 'query',
    state: null,
    hasRedirectUri: requested !== null,
  }
}

/** Runs a check of an authorization request. Its errors become those of this endpoint. */
export async function withWireErrors<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof AuthorizationError) throw invalidAuthorizationRequest(error.failure)
    if (error instanceof UnprovenRequest) throw invalidAuthorizationRequest('unknown_redirect_uri')
    throw error
  }
}
