import { clientScopes } from '../clients/allowed_scopes.ts'
import { type Client, isConfidential } from '../clients/client.ts'
import { findRedirectUri, kindOfRedirect } from '../clients/redirect_uri.ts'
import type { ApiConfig } from '../config/config.ts'
import type { AuthorizationFailure } from '../oauth/authorization_failure.ts'
import { isIdentityScope, OFFLINE_ACCESS } from '../oauth/identity_scope.ts'
import type { Parameters } from '../oauth/parameters.ts'
import { parseScope } from '../oauth/scope.ts'
import { ACR_VALUES, type AcrLevel, levelOf } from '../signin/authentication_level.ts'
import { AuthorizationError, UnprovenRequest } from './authorization_error.ts'
import {
  type AuthorizationRequest,
  CREATE,
  PROMPTS,
  type Prompt,
  RESPONSE_MODES,
  type ResponseMode,
  type ReturnAddress,
} from './authorization_request.ts'
import { CODE_CHALLENGE } from './pkce.ts'

/** The maximum lengths of parameters, in characters. */
const LIMITS: Readonly<Record<string, number>> = {
  state: 2048,
  nonce: 512,
  scope: 1024,
  login_hint: 320,
  ui_locales: 200,
  user_locale: 35,
  acr_values: 200,
  prompt: 100,
}

const CONTROL_CHARACTER = /\p{Cc}/u

/** The maximum length of a redirect URI. The port of a requested loopback URI can be longer than that of the registered one. */
const MAX_REDIRECT_URI = 1024

const SECONDS = /^\d{1,9}$/

/** A SHA-256 thumbprint in base64url (RFC 7638). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** The client of an authorization request. */
export interface RequestingClient {
  client: Client
  api: ApiConfig
}

/** A client with the setting that decides whether it can have identity scopes. */
export interface ScopeHolder extends RequestingClient {
  openIdEnabled: boolean
}

/** The same, with the settings of its user pool. */
export interface RequestHolder extends ScopeHolder {
  /** The highest level of authentication of its users. */
  highestLevel: AcrLevel
  /** Whether visitors can create accounts in the pool of the API. */
  hasSignUp: boolean
}

/** The values that the caller checked: the user of `id_token_hint` and the visitor of `visitor_access_token`. */
export type CheckedHints = Pick<AuthorizationRequest, 'hintedSubject' | 'visitor'>

/**
 * Proves the redirect URI, and reads where the response goes.
 *
 * @throws UnprovenRequest for an unknown redirect URI, or for a missing one if the client has several
 */
export function readReturnAddress(
  parameters: Parameters,
  { client }: Pick<RequestingClient, 'client'>,
): ReturnAddress & { hasRedirectUri: boolean } {
  const requested = parameters.find('redirect_uri')
  const redirectUri = findRedirectUri(client, requested)
  if (redirectUri === null || redirectUri.length > MAX_REDIRECT_URI)
    throw new UnprovenRequest(`${client.id} has not registered the redirect URI`)
  const returnAddress = {
    clientId: client.id,
    redirectUri,
    responseMode: 'query' as ResponseMode,
    state: parameters.find('state'),
  }
  const mode = parameters.find('response_mode')
  const known = RESPONSE_MODES.find((name) => name === mode)
  if (mode !== null && known === undefined) throw new AuthorizationError('response_mode', returnAddress)
  if (known === 'form_post' && kindOfRedirect(redirectUri) === 'private')
    throw new AuthorizationError('form_post_to_app', returnAddress)
  return { ...returnAddress, responseMode: known ?? 'query', hasRedirectUri: requested !== null }
}

/**
 * Checks an authorization request whose redirect URI is proven (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).
 *
 * @param now Unix seconds.
 * @throws AuthorizationError
 */
export function parseAuthorizationRequest(
  parameters: Parameters,
  holder: RequestHolder,
  { hasRedirectUri, ...returnAddress }: ReturnType<typeof readReturnAddress>,
  hints: CheckedHints,
  now: number,
): AuthorizationRequest {
  const { client, api } = holder
  const fail: Fail = (failure) => {
    throw new AuthorizationError(failure, returnAddress)
  }
  for (const name of ['request', 'request_uri', 'registration'] as const)
    if (parameters.find(name) !== null) fail(name)
  for (const [name, limit] of Object.entries(LIMITS)) {
    const value = parameters.find(name) ?? ''
    if (value.length > limit) fail('long_parameter')
    if (hasControlCharacter(value)) fail('control_character')
  }
  if (!client.grants.includes('authorization_code')) fail('no_code_grant')
  const responseType = parameters.find('response_type')
  if (responseType === null) fail('no_response_type')
  if (responseType !== 'code') fail('response_type')
  return {
    ...returnAddress,
    hasRedirectUri,
    api: api.name,
    scope: readScope(parameters, holder, fail),
    codeChallenge: readChallenge(parameters, holder, fail),
    proofKey: readBoundKey(parameters, fail),
    nonce: parameters.find('nonce'),
    prompt: readPrompt(parameters, holder, fail),
    maxAgeSeconds: readMaxAge(parameters, fail),
    acrLevel: readAcrLevel(parameters, holder, fail),
    loginHint: parameters.find('login_hint'),
    uiLocales: splitWords(parameters.find('ui_locales') ?? parameters.find('user_locale')),
    ...hints,
    receivedAt: now,
  }
}

export type Fail = (failure: AuthorizationFailure) => never

/** The lowest of the named levels of authentication that the users can reach (OpenID Connect Core §5.5.1.1). */
function readAcrLevel(
  parameters: Parameters,
  { highestLevel }: Pick<RequestHolder, 'highestLevel'>,
  fail: Fail,
): AcrLevel {
  const values = splitWords(parameters.find('acr_values'))
  if (values.length === 0) return 1
  const lowest = ACR_VALUES.find((acr) => values.includes(acr))
  if (lowest === undefined || levelOf(lowest) > highestLevel) fail('acr_values')
  return levelOf(lowest)
}

/** The requested scope without the scopes that the client cannot have. Without `scope`: all scopes of the client. */
function readScope(parameters: Parameters, holder: ScopeHolder, fail: Fail): string[] {
  const requested = parameters.find('scope')
  if (requested === null) return clientScopes(holder.client, holder.api)
  const tokens = parseScope(requested)
  const granted = grantableOf(tokens, holder)
  const isOnlyUnknown = granted.length === 0 && tokens.some((scope) => scope !== OFFLINE_ACCESS)
  if (isOnlyUnknown || tokens.length === 0) fail('scope')
  return granted
}

/**
 * Whether a parameter has a control character, which RFC 6749 appendix A forbids. A browser would change a line break in a form, and JSON
 * writes six characters for most others, so the form could become too large to send.
 */
export function hasControlCharacter(text: string): boolean {
  return CONTROL_CHARACTER.test(text)
}

/** The scopes that the client can have. */
export function grantableOf(
  scopes: readonly string[],
  { client, api, openIdEnabled }: ScopeHolder,
): string[] {
  const allowed = clientScopes(client, api)
  return scopes.filter((scope) => allowed.includes(scope) || (openIdEnabled && isIdentityScope(scope)))
}

/** A public client and a client of an API for agents always need PKCE (RFC 9700 §2.1.1). */
export function needsPkce({ client, api }: RequestingClient): boolean {
  return client.requiresPkce || api.agents || !isConfidential(client)
}

/** The `code_challenge` of a request; null without one. The method `plain` does not protect a code. */
export function readChallenge(parameters: Parameters, holder: RequestingClient, fail: Fail): string | null {
  const challenge = parameters.find('code_challenge')
  const method = parameters.find('code_challenge_method')
  if (challenge === null) {
    if (method !== null) fail('no_code_challenge')
    if (needsPkce(holder)) fail('no_code_challenge')
    return null
  }
  if (method !== 'S256') fail('code_challenge_method')
  if (!CODE_CHALLENGE.test(challenge)) fail('code_challenge')
  return challenge
}

/** The `dpop_jkt` of a request; null without one (RFC 9449 §10). */
function readBoundKey(parameters: Parameters, fail: Fail): string | null {
  const thumbprint = parameters.find('dpop_jkt')
  if (thumbprint !== null && !THUMBPRINT.test(thumbprint)) fail('dpop_jkt')
  return thumbprint
}

function readPrompt(
  parameters: Parameters,
  { hasSignUp }: Pick<RequestHolder, 'hasSignUp'>,
  fail: Fail,
): Prompt[] {
  const words = splitWords(parameters.find('prompt'))
  const supported = PROMPTS.filter((prompt) => prompt !== CREATE || hasSignUp)
  const prompts = words.map((word) => supported.find((prompt) => prompt === word))
  const known = prompts.filter((prompt) => prompt !== undefined)
  if (known.length < words.length) fail('prompt')
  if (known.includes('none') && known.length > 1) fail('prompt_none')
  if (known.includes(CREATE) && known.length > 1) fail('prompt_create')
  return known
}

function readMaxAge(parameters: Parameters, fail: Fail): number | null {
  const text = parameters.find('max_age')
  if (text === null) return null
  if (!SECONDS.test(text)) fail('max_age')
  return Number(text)
}

function splitWords(text: string | null): string[] {
  return (text ?? '').split(' ').filter((word) => word !== '')
}
