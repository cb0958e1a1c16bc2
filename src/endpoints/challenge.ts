import type { Context } from 'hono'
import { isFromClient } from '../audit/is_from_client.ts'
import { PUSHED_SECONDS } from '../authorization/sealed_request.ts'
import type { StepResult } from '../challenge/step_result.ts'
import { takeStep } from '../challenge/take_step.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import type { Responses } from '../http/responses.ts'
import { runAsClient } from '../http/run_as_client.ts'
import { compact } from '../lib/compact.ts'
import { OAuthError, type Refusal } from '../oauth/errors.ts'
import type { Services } from '../services/services.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

/** The authorization challenge endpoint (First-Party Applications draft §4.1). */
export const challengeEndpoint: Endpoint = {
  path: '/oauth2-token/challenge',
  format: JSON_FORMAT,
  methods: { POST: (services, responses) => (c) => handleChallenge(c, services, responses) },
}

async function handleChallenge(c: Context, services: Services, responses: Responses): Promise<Response> {
  const run = (request: ClientRequest) => takeAuditedStep(request, services)
  const result = await runAsClient(c, services, { required: 'response_type', run })
  return respond(c, result, responses)
}

function respond(c: Context, result: StepResult, responses: Responses): Response {
  if (result.kind === 'code') return responses.private({ authorization_code: result.code })
  if (result.kind === 'web') {
    const { requestUri } = result
    const members = requestUri === null ? {} : { request_uri: requestUri, expires_in: PUSHED_SECONDS }
    return responses.refusal(c, { kind: 'redirect_to_web' }, members)
  }
  const { authSession, next, passkeyOptions } = result
  const members = { auth_session: authSession, next, passkey_options: passkeyOptions ?? undefined }
  return responses.refusal(c, { kind: 'more_needed' }, compact(members))
}

/** The refusals of a proof. The audit trail has their exact reason. */
const AUDITED: readonly Refusal['kind'][] = ['wrong_credentials', 'invalid_session', 'too_many_attempts']

async function takeAuditedStep(request: ClientRequest, services: Services): Promise<StepResult> {
  try {
    return await takeStep(request, services)
  } catch (error) {
    if (error instanceof OAuthError) auditRefusal(error, request, services)
    throw error
  }
}

/** Adds a refused proof to the audit trail. A refusal without a user is a wrong proof, or it is only logged. */
function auditRefusal(
  { refusal, reason, about }: OAuthError,
  { client, api, context }: ClientRequest,
  { audit }: Services,
): void {
  const { subject = null, cause = 'other' } = about
  const isAudited = refusal.kind === 'wrong_credentials' || subject !== null
  if (!AUDITED.includes(refusal.kind) || !isAudited) return
  const who = { api: api.name, clientId: client.id, subject, sid: null, isFromClient: isFromClient(client) }
  const event = { kind: 'sign_in_failure', outcome: 'refused', reason, cause, ...who } as const
  audit.record({ ...event, grant: 'authorization_code' }, context)
}
