import { findRequestAbout } from '../clients/client_apis.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { requireUnchangedClient } from '../clients/require_current_client.ts'
import { requestAboutResource, requireGrantedApi } from '../clients/resource.ts'
import { invalidSession, wrongCredentials } from '../oauth/errors.ts'
import { readTypedName } from '../signin/email_codes.ts'
import { beginAuthSession, continueAuthSession, NOTHING_REQUESTED } from './auth_session.ts'
import { checkRequestAgain, readChallengeRequest, requireStepClient } from './challenge_request.ts'
import type { ChallengeServices } from './challenge_services.ts'
import { finishStep } from './finish_step.ts'
import { type GivenProof, readProof } from './input.ts'
import { firstInputs, hasEmailCodes } from './offer.ts'
import { createAccount, proveAddress, requestSignUp, signUpInputs } from './sign_up_step.ts'
import { callerOf, languageOf, type Step, spend } from './step.ts'
import { askFor, type StepResult } from './step_result.ts'
import { USE_PROOF } from './use_proof.ts'

/**
 * Takes one step of a sign-in (First-Party Applications draft §5): checks the proof in the request, and decides what the sign-in needs
 * next. A step waits for at most two calls to stores.
 *
 * @throws OAuthError; StorageUnavailable, CorruptRecord
 */
export async function takeStep(received: ClientRequest, services: ChallengeServices): Promise<StepResult> {
  const { parameters } = received
  requireStepClient(received)
  await requireUnchangedClient(received, services)
  const proof = readProof(parameters)
  const username = parameters.find('username')
  const step = await readStep(received, services)
  if (proof === null && username !== null && step.session.next.includes('username'))
    return takeUsername(username, step, services)
  if (proof === null || !step.session.next.includes(proof.name)) return askAgain(step, services)
  if (step.session.signUp !== null) return takeSignUpStep(proof, step, services)
  const proven = await USE_PROOF[proof.name](proof.text, step, services)
  return finishStep(step, proven, services)
}

/** Takes a step of a sign-up that has requested a code: the code, or the password of the new account. */
async function takeSignUpStep(
  proof: GivenProof,
  step: Step,
  services: ChallengeServices,
): Promise<StepResult> {
  if (proof.name === 'email_code') return proveAddress(proof.text, step, services)
  return finishStep(step, await createAccount(proof, step, services), services)
}

/** The state of the `auth_session`, or a new one. @throws OAuthError invalid_session, or the errors of an authorization request */
async function readStep(received: ClientRequest, services: ChallengeServices): Promise<Step> {
  const { client, parameters, context } = received
  const sealed = parameters.find('auth_session')
  if (sealed === null) {
    const request = requestAboutResource(received, services.config)
    const authorization = await readChallengeRequest(request, services)
    const next =
      signUpInputs(authorization) ?? firstInputs(request.api, services.config, { hasRequestedCode: false })
    const state = { ...NOTHING_REQUESTED, username: null, pending: null, next }
    return { request, session: beginAuthSession(authorization, state, context.now), sealed }
  }
  const opened = await services.authSessions.open(sealed, client.id, context.now)
  if (opened === null) throw invalidSession('the auth_session is unknown, expired or of another client')
  const request = findRequestAbout(received, opened.request.api, services.config)
  if (request === null) throw invalidSession('the client belongs to another API now')
  requireGrantedApi(request)
  if (opened.request.proofKey !== request.proofKey)
    throw invalidSession('the auth_session belongs to another DPoP key')
  const authorization = await checkRequestAgain(opened.request, request, services)
  return { request, session: { ...opened, request: authorization }, sealed }
}

/** Stores the name that the user typed. In a pool with codes by mail, it also requests a code. The response is the same for every name. */
async function takeUsername(username: string, step: Step, services: ChallengeServices): Promise<StepResult> {
  const { request, session } = step
  const { api, context } = request
  if (signUpInputs(session.request) !== null) return requestSignUp(username, step, services)
  const { config } = services
  const [requestedCode] = await Promise.all(
    hasEmailCodes(api, config) ? [requestCode(username, step, services), spend(step, services)] : [null],
  )
  const next = firstInputs(api, config, { hasRequestedCode: requestedCode !== null })
  const state = { ...NOTHING_REQUESTED, username, pending: null, requestedCode, next }
  return askFor(continueAuthSession(session, state, context.now), api, services)
}

async function requestCode(username: string, step: Step, { emailCodes }: ChallengeServices) {
  const name = readTypedName(username)
  if (name === null) throw wrongCredentials('the username is not allowed', { cause: 'malformed_credentials' })
  const caller = { ...callerOf(step), language: languageOf(step) }
  return emailCodes.request({ ...caller, name, device: null }, step.request.context)
}

/** The response to a request without an expected input. The state stays as it is. */
async function askAgain(
  { request, session, sealed }: Step,
  services: ChallengeServices,
): Promise<StepResult> {
  const result = await askFor(session, request.api, services)
  return sealed === null ? result : { ...result, authSession: sealed }
}
