import { type Context, Hono } from 'hono'
import { AUTHORIZATION_PATH, LOGOUT_ENDPOINT_PATH } from '../authorization/authorization_path.ts'
import { withParameters } from '../authorization/authorization_response.ts'
import { challengeOf } from '../authorization/pkce.ts'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { readProtectedForm } from '../pages/csrf.ts'
import { AdminProblem } from './admin_problem.ts'
import { CALLBACK_PATH, CONSOLE_CLIENT, consoleAddressesOf, SIGNED_OUT_PATH } from './console_client.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { ConsoleServices } from './console_services.ts'
import type { ConsoleSession } from './console_session.ts'
import { goOn, showMessage } from './respond.tsx'
import { isWithoutRole, readOperator } from './session_loader.ts'
import type { SignInAttempt } from './sign_in_attempt.ts'
import type { Outage } from './token_client.ts'

const OTHER_ACCOUNT_PATH = '/sign-in'

/** A link that starts a sign-in. An operator who is signed in at the service needs no password. */
export const SIGN_IN = { href: CONSOLE_PATH, label: 'Sign in' }
/** A link that starts a sign-in with a password. */
export const OTHER_ACCOUNT = {
  href: CONSOLE_PATH + OTHER_ACCOUNT_PATH,
  label: 'Sign in with another account',
}

const SIGNED_OUT = { title: 'Signed out', text: 'You are signed out.', link: SIGN_IN }
const SIGNED_OUT_HERE = {
  ...SIGNED_OUT,
  text: 'You are signed out of the console in this browser, but the server could not end the session. If another person may have your tokens, sign in again and end that session, or change your password.',
  status: 503,
}
const CANCELLED = {
  title: 'Not signed in',
  text: 'The sign-in was cancelled.',
  link: SIGN_IN,
}
const FAILED = {
  title: 'Not signed in',
  text: 'The sign-in failed twice. Allow cookies for this site, then sign in again.',
  link: SIGN_IN,
  status: 400,
}
const NOT_SET_UP = {
  title: 'The console is not set up',
  text: 'The public client sallyport-console of the admin API is missing or disabled, or its grants or redirect URIs are wrong. Run npm run deploy, which adds or repairs it.',
  link: SIGN_IN,
  status: 503,
}

/** The routes of sign-in and sign-out. */
export function signInRoutes(services: ConsoleServices): Hono {
  const app = new Hono()
  app.get(OTHER_ACCOUNT_PATH, (c) => beginSignIn(c, { next: CONSOLE_PATH, asksPassword: true }, services))
  app.get(CALLBACK_PATH, (c) => finishSignIn(c, services))
  app.get(SIGNED_OUT_PATH, (c) => showMessage(c, SIGNED_OUT, services))
  app.post('/sign-out', (c) => signOut(c, services))
  return app
}

interface SignInStart {
  /** The path and the query of the page to open after the sign-in. */
  next: string
  /** Whether the operator must type the password, although the browser session is live. */
  asksPassword: boolean
  isRepeated?: boolean
}

/** Sends the browser to the authorization endpoint, as any client of the service. */
export async function beginSignIn(
  c: Context,
  { next, asksPassword, isRepeated = false }: SignInStart,
  services: ConsoleServices,
): Promise<Response> {
  const { attempts, tokens, clock } = services
  const { attempt, state } = await attempts.begin(c, { next, isRepeated }, clock.now())
  const request = { state, ...(await requestOf(attempt, asksPassword, services)) }
  const outcome = await tokens.push(c, request)
  if (outcome.kind !== 'pushed') return showOutage(c, outcome, services)
  const parameters = { client_id: CONSOLE_CLIENT, request_uri: outcome.requestUri }
  return c.redirect(withParameters(AUTHORIZATION_PATH, parameters), 303)
}

/**
 * The parameters of the authorization request of an attempt. `max_age` keeps the idle limit of the console: a browser session does
 * not sign in an operator whose console session would have ended. Without OpenID no page ends the browser session, so each sign-in
 * needs the password.
 */
async function requestOf(
  { verifier, nonce }: SignInAttempt,
  asksPassword: boolean,
  { config }: ConsoleServices,
): Promise<Record<string, string>> {
  const { issuer, openIdEnabled, adminApi } = config
  return compact({
    response_type: 'code',
    redirect_uri: consoleAddressesOf(issuer).redirectUri,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: 'S256',
    scope: openIdEnabled ? 'openid' : undefined,
    nonce,
    prompt: asksPassword || !openIdEnabled ? 'login' : undefined,
    max_age: adminApi === null ? undefined : String(adminApi.refreshTokenLifetimeSeconds),
  })
}

/** Handles the response of the authorization endpoint. A response that cannot be used leads to a new attempt. */
async function finishSignIn(c: Context, services: ConsoleServices): Promise<Response> {
  const { attempts, cookie, clock, config } = services
  const { state = '', iss, error } = c.req.query()
  const attempt = await attempts.open(state)
  // The code of another browser or of another server must not sign an operator in (RFC 6749 §10.12, RFC 9207 §2.4).
  if (attempt === null || iss !== config.issuer || !(await attempts.isOf(c, attempt, clock.now())))
    return startAgain(c, attempt, services)
  // A reload must not send the code again, because that would end the session.
  if ((await cookie.read(c))?.nonce === attempt.nonce) return goOn(c, attempt.next, services)
  if (error === 'access_denied') return showMessage(c, CANCELLED, services)
  if (error === 'temporarily_unavailable')
    return showOutage(c, { kind: 'wait', status: 503, retryAfterSeconds: 5 }, services)
  return useCode(c, attempt, services)
}

/** Exchanges the code. An error in its place leads to a new attempt. */
async function useCode(c: Context, attempt: SignInAttempt, services: ConsoleServices): Promise<Response> {
  const { tokens, cookie, clock, config } = services
  const { code = '' } = c.req.query()
  const { redirectUri } = consoleAddressesOf(config.issuer)
  const outcome = await tokens.exchange(c, { ...attempt, code, redirectUri }, clock.now())
  if (outcome.kind === 'refused') return startAgain(c, attempt, services)
  if (outcome.kind !== 'session') return showOutage(c, outcome, services)
  const { session } = outcome
  if (!(await isAccepted(c, session, services))) return showOutage(c, { kind: 'not_set_up' }, services)
  await cookie.write(c, session)
  return goOn(c, attempt.next, services)
}

/**
 * Whether the admin API accepts new tokens. Otherwise their session ends.
 *
 * @returns false if the client of the console belongs to another API
 * @throws AdminProblem if the user has no role of an operator, or if a store does not respond
 */
async function isAccepted(
  c: Context,
  session: ConsoleSession,
  { sessionLoader, tokens }: ConsoleServices,
): Promise<boolean> {
  try {
    await readOperator(sessionLoader.adminOf(c, session))
    return true
  } catch (error) {
    const isOfOtherApi = error instanceof AdminProblem && error.status === 401
    if (isOfOtherApi || isWithoutRole(error)) await tokens.revoke(c, session)
    if (isOfOtherApi) return false
    throw error
  }
}

/** Begins a new attempt for the same page. A second failure shows a page, so that a browser never goes round in circles. */
function startAgain(c: Context, attempt: SignInAttempt | null, services: ConsoleServices): Promise<Response> {
  if (attempt?.isRepeated) return showMessage(c, FAILED, services)
  const next = attempt?.next ?? CONSOLE_PATH
  return beginSignIn(c, { next, asksPassword: false, isRepeated: true }, services)
}

/**
 * Ends the session, then leads the browser to the logout endpoint, which ends the browser session (RP-Initiated Logout §2). The ID
 * token comes from a refresh, so that the cookie need not contain it.
 */
async function signOut(c: Context, services: ConsoleServices): Promise<Response> {
  const { cookie, keptForms, tokens, clock, config } = services
  const session = await cookie.read(c)
  if (session === null) return c.redirect(logoutAddress(null, config), 303)
  await readProtectedForm(c, session.csrfToken)
  cookie.clear(c)
  await keptForms.rememberSignedOut(c, session)
  const outcome = await tokens.refresh(c, session, clock.now())
  const refreshed = outcome.kind === 'session' ? outcome : { session, idToken: null }
  const isEnded = await tokens.revoke(c, refreshed.session)
  if (!isEnded) return showMessage(c, SIGNED_OUT_HERE, services)
  return c.redirect(logoutAddress(refreshed.idToken, config), 303)
}

/** The address that ends the browser session and leads back to the console. Without OpenID no such address exists. */
function logoutAddress(
  idToken: string | null,
  { issuer, openIdEnabled }: Pick<Config, 'issuer' | 'openIdEnabled'>,
): string {
  const { signedOutUri } = consoleAddressesOf(issuer)
  if (!openIdEnabled) return signedOutUri
  const parameters = {
    client_id: CONSOLE_CLIENT,
    post_logout_redirect_uri: signedOutUri,
    id_token_hint: idToken ?? undefined,
  }
  return withParameters(LOGOUT_ENDPOINT_PATH, compact(parameters))
}

function showOutage(c: Context, outage: Outage, services: ConsoleServices): Promise<Response> {
  if (outage.kind === 'not_set_up') return showMessage(c, NOT_SET_UP, services)
  const { status, retryAfterSeconds } = outage
  c.header('Retry-After', String(retryAfterSeconds))
  const text =
    status === 429
      ? `Too many attempts. Try again in ${retryAfterSeconds} seconds.`
      : 'Service unavailable. Try again in a moment.'
  return showMessage(c, { title: 'Not signed in', text, link: SIGN_IN, status }, services)
}
