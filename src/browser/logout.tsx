import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import * as z from 'zod/mini'
import { LOGOUT_ENDPOINT_PATH } from '../authorization/authorization_path.ts'
import { browserSessionLimitsOf } from '../config/pool_settings.ts'
import { requestContext } from '../http/request_context.ts'
import { breakable } from '../pages/breakable.tsx'
import { readForm } from '../pages/read_form.ts'
import { renderPage } from '../pages/render_page.ts'
import { idsOf, isLive } from '../signin/browser_session.ts'
import type { SignInProblem } from '../signin/sign_in_problem.ts'
import { BROWSER_PATH, LOGOUT_CONFIRM_PATH } from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import { endBrowserSessions, type PoolSession } from './end_browser_sessions.ts'
import { TICKET_FIELD } from './form_ticket.ts'
import {
  addressOf,
  type LogoutRequest,
  logoutRequestSchema,
  readLogoutRequest,
  requireLogoutClient,
  returnAddressOf,
  sealLogoutRequest,
  useLanguageOf,
} from './logout_request.ts'
import { type Looks, looksOf } from './looks.ts'
import { PageFrame } from './page_frame.tsx'
import { describeProblem } from './problem_words.ts'
import { BrokenForm } from './read_submission.ts'

const ticketSchema = z.object({
  request: logoutRequestSchema,
  formId: z.string(),
  /** The browser sessions at the time of the page. */
  browserIds: z.array(z.string()),
})

/** The button that keeps the user signed in. */
const STAY = { name: 'decision', value: 'stay' } as const

/**
 * The logout endpoint (RP-Initiated Logout §2). It asks a signed-in user, unless the session of `id_token_hint` began in the browser
 * session. The reason: another site can send the browser to this endpoint.
 */
export async function logout(c: Context, services: BrowserServices): Promise<Response> {
  const request = await readLogoutRequest(c, services)
  const sessions = await readSessions(c, services)
  if (sessions.length > 0) await spend(c, services)
  const hinted = await findHinted(request, sessions, services)
  if (hinted !== null) return endAndLeave(c, [hinted], { request, services })
  if (sessions.length === 0) return leave(c, request, services)
  return showQuestion(c, request, { sessions, services, problem: null })
}

/** Handles a POST. A POST from another site has no `Lax` cookie, so the server redirects to GET with the sealed request. */
export async function forwardLogout(c: Context, services: BrowserServices): Promise<Response> {
  const sealed = await sealLogoutRequest(await readLogoutRequest(c, services), services)
  return c.redirect(addressOf(LOGOUT_ENDPOINT_PATH, sealed), 303)
}

/**
 * Handles the form of the question. A form of another browser, or from before the sign-in of another user, ends nothing: the next page
 * shows who is signed in and asks again.
 *
 * @throws BrokenForm, BrokenLogout, OAuthError too_many_attempts, StorageUnavailable, CorruptRecord
 */
export async function confirmLogout(c: Context, services: BrowserServices): Promise<Response> {
  const form = await readForm(c)
  const ticket = await services.formSealer.openValue(form.text(TICKET_FIELD), ticketSchema)
  if (ticket === null) throw new BrokenForm()
  const { request } = ticket
  useLanguageOf(request, c)
  await requireLogoutClient(request, services, requestContext(c, services.clock))
  if (form.text(STAY.name) === STAY.value) return c.redirect(returnAddressOf(request) ?? '/', 303)
  const sessions = await readSessions(c, services)
  if (sessions.length > 0) await spend(c, services)
  const problem = findProblem(ticket, await services.cookies.readFormId(c), sessions)
  if (problem === null || sessions.length === 0) return endAndLeave(c, sessions, { request, services })
  return showQuestion(c, request, { sessions, services, problem })
}

type Ticket = z.output<typeof ticketSchema>

/** Why the form ends no browser session; null if it does. @param formId The id of the browser's cookie; null without the cookie. */
function findProblem(
  ticket: Ticket,
  formId: string | null,
  sessions: readonly PoolSession[],
): SignInProblem | null {
  if (formId === null) return { kind: 'no_cookie' }
  if (formId !== ticket.formId) return { kind: 'other_browser' }
  const wasShown = ({ session }: PoolSession) => idsOf(session).some((id) => ticket.browserIds.includes(id))
  return sessions.every(wasShown) ? null : { kind: 'other_session' }
}

/** @throws OAuthError too_many_attempts if the IP address has used its budget of logouts */
function spend(c: Context, { bursts, clock }: BrowserServices): Promise<void> {
  return bursts.spend('refreshes', 'logout', requestContext(c, clock))
}

/** The live browser sessions of the cookies, at most one of each pool. */
async function readSessions(c: Context, services: BrowserServices): Promise<PoolSession[]> {
  const { config, cookies, clock } = services
  const pools = [...new Set([...config.apis.values()].map((api) => api.userPool))]
  const found = await Promise.all(
    pools.map(async (pool) => ({ pool, session: await cookies.session(pool).read(c) })),
  )
  return found.flatMap(({ pool, session }) => {
    const isOpen = session !== null && isLive(session, browserSessionLimitsOf(pool, config), clock.now())
    return isOpen ? [{ pool, session }] : []
  })
}

/** The browser session in which the session of the hint began; null without one. @throws StorageUnavailable */
async function findHinted(
  { sid }: LogoutRequest,
  sessions: readonly PoolSession[],
  { shards }: BrowserServices,
): Promise<PoolSession | null> {
  const endings = sid === null ? null : shards.findEndings(sid)
  if (sid === null || endings === null) return null
  for (const found of sessions) if (await endings.isBegunIn(sid, idsOf(found.session))) return found
  return null
}

interface Occasion {
  request: LogoutRequest
  services: BrowserServices
}

async function endAndLeave(
  c: Context,
  sessions: readonly PoolSession[],
  { request, services }: Occasion,
): Promise<Response> {
  const { clientId } = request
  const context = requestContext(c, services.clock)
  for (const found of sessions) {
    await endBrowserSessions(found.session, idsOf(found.session), { clientId, services, context })
    services.cookies.session(found.pool).clear(c)
  }
  return leave(c, request, services)
}

/** Sends the browser to the client, or shows that the user is signed out. */
function leave(
  c: Context,
  request: Occasion['request'],
  services: BrowserServices,
): Promise<Response> | Response {
  const returnTo = returnAddressOf(request)
  if (returnTo !== null) return c.redirect(returnTo, 303)
  return showCard(c, { request, services }, ({ texts: { signedOut } }) => ({
    title: signedOut.title,
    body: <p>{signedOut.text}</p>,
  }))
}

interface Question {
  sessions: readonly PoolSession[]
  services: BrowserServices
  /** Why the form before ended no browser session; null without a form before. */
  problem: SignInProblem | null
}

async function showQuestion(
  c: Context,
  request: LogoutRequest,
  { sessions, services, problem }: Question,
): Promise<Response> {
  const names = await readNames(sessions, services)
  const formId = await services.cookies.requireFormId(c)
  const browserIds = sessions.map(({ session }) => session.id)
  const content: Ticket = { request, formId, browserIds }
  const ticket = await services.formSealer.sealValue(content)
  return showCard(c, { request, services }, (looks) => {
    const { signOut, account } = looks.texts
    const words = problem === null ? null : describeProblem(problem, looks, services.config)
    const body = (
      <form method="post" action={BROWSER_PATH + LOGOUT_CONFIRM_PATH} class="form">
        {words === null ? null : (
          <p class="note bad" role="alert">
            {words.text}
          </p>
        )}
        {names.map((name) => (
          <p>{breakable(account.signedInAs(name))}</p>
        ))}
        <input type="hidden" name={TICKET_FIELD} value={ticket} />
        <button type="submit" class="primary">
          {signOut.submit}
        </button>
        <button type="submit" {...STAY}>
          {signOut.stay}
        </button>
      </form>
    )
    return { title: signOut.title, body, ...(words && { status: words.status }) }
  })
}

/** The usernames of the signed-in users. @throws StorageUnavailable, CorruptRecord */
async function readNames(
  sessions: readonly PoolSession[],
  { authorizationState }: BrowserServices,
): Promise<string[]> {
  const states = sessions.map(({ session: { subject } }) =>
    authorizationState.find({ subject, browserIds: [], consentId: null }),
  )
  return (await Promise.all(states)).flatMap(({ user }) => (user === null ? [] : [user.username]))
}

/** Shows a page with the looks of the client's API. */
async function showCard(
  c: Context,
  { request, services }: Occasion,
  describe: (looks: Looks) => { title: string; body: Child; status?: number },
): Promise<Response> {
  const { clientId } = request
  const client = clientId && (await services.clients.find(clientId, requestContext(c, services.clock)))
  const api = client ? services.config.apis.get(client.api) : undefined
  if (api !== undefined) c.set('api', api)
  const looks = await looksOf(c, services)
  const { title, body, status } = describe(looks)
  const document = (
    <PageFrame title={title} looks={looks} assets={await services.assets.paths()}>
      <h1>{title}</h1>
      {body}
    </PageFrame>
  )
  // The redirect after the form leads to the client.
  return renderPage(c, { document, policy: { formTargets: null }, openerPolicy: 'unsafe-none', status })
}
