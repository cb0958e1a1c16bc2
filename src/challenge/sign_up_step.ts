import { readName, readNewAddress } from '../accounts/sign_up.ts'
import { CREATE } from '../authorization/authorization_request.ts'
import { invalidSession, refusedPassword, wrongCredentials } from '../oauth/errors.ts'
import { proofBy } from '../signin/proof.ts'
import { PasswordRefused } from '../users/create_user.ts'
import {
  type AuthSession,
  type AuthSessionState,
  continueAuthSession,
  NOTHING_REQUESTED,
} from './auth_session.ts'
import type { ChallengeServices } from './challenge_services.ts'
import type { GivenProof, Input } from './input.ts'
import { callerOf, languageOf, type Proven, type Step, spend } from './step.ts'
import { askFor, type MoreNeeded } from './step_result.ts'

/** The inputs of a sign-up: the address, the code of the mail, and the account. */
const INPUTS_OF = {
  address: ['username'],
  code: ['username', 'email_code'],
  account: ['password', 'name'],
} as const satisfies Record<string, readonly Input[]>

/** The first inputs of a request with `prompt=create`; null for any other request. */
export function signUpInputs({ prompt }: AuthSession['request']): Input[] | null {
  return prompt.includes(CREATE) ? [...INPUTS_OF.address] : null
}

/** Stores a code for the address of a new account. The mail follows after the response, which is the same for every address. */
export async function requestSignUp(
  username: string,
  step: Step,
  services: ChallengeServices,
): Promise<MoreNeeded> {
  const { context } = step.request
  const address = readNewAddress(username)
  if (address === null)
    throw wrongCredentials('the username is no address', { cause: 'malformed_credentials' })
  const request = { ...callerOf(step), address, language: languageOf(step) }
  const [requested] = await Promise.all([
    requireOpen(step, services).request(request, context),
    spend(step, services),
  ])
  const signUp = { requested, proven: null }
  return goOn({ username: address, signUp, next: [...INPUTS_OF.code] }, step, services)
}

/** Checks the code of the mail. @throws OAuthError invalid_grant for a wrong code */
export async function proveAddress(
  code: string,
  step: Step,
  services: ChallengeServices,
): Promise<MoreNeeded> {
  const { session, request } = step
  const { username, signUp } = session
  if (signUp === null) throw new Error('the sign-up has requested no code')
  const attempt = { ...callerOf(step), requested: signUp.requested, code }
  const result = await requireOpen(step, services).verify(attempt, request.context)
  if (result.kind === 'wrong') throw wrongCredentials('wrong sign-up code')
  await spend(step, services)
  const proven = { ...signUp, proven: result.address }
  return goOn({ username, signUp: proven, next: [...INPUTS_OF.account] }, step, services)
}

/** Creates the account. Its password is the first factor. @throws OAuthError refused_password, invalid_grant, invalid_session */
export async function createAccount(
  { text: password }: GivenProof,
  step: Step,
  services: ChallengeServices,
): Promise<Proven> {
  const { session, request } = step
  const { parameters, context } = request
  const address = session.signUp?.proven ?? null
  const name = readName(parameters.find('name') ?? '')
  if (address === null) throw new Error('the sign-up has proven no address')
  if (name === undefined)
    throw wrongCredentials('the name is not allowed', { cause: 'malformed_credentials' })
  const account = { ...callerOf(step), address, password, name, language: languageOf(step) }
  const result = await requireOpen(step, services).create(account, context).catch(refusePassword)
  if (result.kind === 'expired') throw invalidSession('the proof of the address has expired')
  if (result.kind === 'taken') throw wrongCredentials('the address has an account')
  const { user } = result
  return { ...proofBy('password', user, context.now), user, seen: null, isSpent: false }
}

function refusePassword(error: unknown): never {
  throw error instanceof PasswordRefused ? refusedPassword(error.rule) : error
}

function goOn(
  { username, signUp, next }: Pick<AuthSessionState, 'username' | 'signUp' | 'next'>,
  { session, request: { api, context } }: Step,
  services: ChallengeServices,
): Promise<MoreNeeded> {
  const state = { ...NOTHING_REQUESTED, username, signUp, next, pending: null }
  return askFor(continueAuthSession(session, state, context.now), api, services)
}

/** The configuration can have changed since the sign-up began. @throws OAuthError invalid_session */
function requireOpen({ request: { api } }: Step, { signUps }: ChallengeServices) {
  if (!signUps.isOpen(api.userPool)) throw invalidSession('the pool has no sign-up now')
  return signUps
}
