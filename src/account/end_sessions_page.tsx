import { LINK_PARAMETER } from '../accounts/account_links.ts'
import { END_SESSIONS } from '../accounts/link_kinds.ts'
import { looksOf } from '../browser/looks.ts'
import { problemOf } from '../browser/problem_of.ts'
import { accountPathOf } from '../config/account_path.ts'
import { readForm } from '../pages/read_form.ts'
import type { AccountPage } from './account_page.ts'
import type { AccountRequest } from './account_request.ts'
import { goToOpenPage, LinkAfterMail, readProblem, showOpenPage, showVoidLink } from './link_page.tsx'

const PATH = `/${END_SESSIONS.page}`
const DONE_PATH = '/sessions-ended'

/** The pages of the link in each notification. The link works without `self_service`. */
export const endSessionsPages: readonly AccountPage[] = [
  { path: PATH, isAlwaysOn: true, GET: showButton, POST: submit },
  { path: DONE_PATH, isAlwaysOn: true, GET: showDone },
]

/** Shows the button. It changes nothing, because link scanners open links in mails. */
async function showButton(request: AccountRequest): Promise<Response> {
  const { c, pool, context, services } = request
  const token = c.req.query(LINK_PARAMETER) ?? ''
  const looks = await looksOf(c, services)
  const { endSessions } = looks.texts
  const link = await services.links.find(END_SESSIONS, { token, pool }, context.now)
  if (link === null) return showVoidLink(request, { label: endSessions.choose })
  const body = (
    <form method="post" action={accountPathOf(pool) + PATH} class="form">
      <p>{endSessions.text}</p>
      <input type="hidden" name={LINK_PARAMETER} value={token} />
      <button type="submit" class="primary">
        {endSessions.submit}
      </button>
    </form>
  )
  return showOpenPage(request, { title: endSessions.title, body, problem: await readProblem(request, looks) })
}

async function submit(request: AccountRequest): Promise<Response> {
  const token = (await readForm(request.c)).text(LINK_PARAMETER)
  try {
    if (await endSessions(token, request)) return goToOpenPage({ path: DONE_PATH, parameters: {} }, request)
  } catch (error) {
    const problem = problemOf(error)
    if (problem === null) throw error
    return goToOpenPage({ path: PATH, parameters: { [LINK_PARAMETER]: token }, problem }, request)
  }
  const { choose } = (await looksOf(request.c, request.services)).texts.endSessions
  return showVoidLink(request, { label: choose })
}

/**
 * Ends every session and browser session of the user, and makes all known origins unknown, in one transaction with the use of the link.
 * For a user of a further database, the steps are: the origins, the sessions, the use of the link. A failure of one of the first two
 * leaves the link open. A repeat changes nothing more.
 *
 * @returns false if the link cannot be used
 * @throws OAuthError too_many_attempts; StorageUnavailable, CorruptRecord
 */
async function endSessions(
  token: string,
  { pool, api, context, services }: AccountRequest,
): Promise<boolean> {
  const { links, signOut, bursts, knownOriginStore, userDatabases } = services
  await bursts.spend('guesses', 'ends of sessions by links', context)
  const link = await links.find(END_SESSIONS, { token, pool }, context.now)
  if (link === null) return false
  const { id } = link.user
  if (userDatabases.of(id) !== userDatabases.home) {
    if (await links.isUsed(link)) return false
    await knownOriginStore.forget(id)
  }
  const once = await links.spending(link, context.now)
  const revocation = {
    reason: 'all sessions were ended by a link in a mail',
    conditions: { once },
    event: { api: api.name },
    alongside: [knownOriginStore.forgettingIfChanged(id)],
  }
  return (await signOut.endUser(id, revocation, context)).kind === 'changed'
}

async function showDone(request: AccountRequest): Promise<Response> {
  const { endSessions } = (await looksOf(request.c, request.services)).texts
  const body = (
    <>
      <p>{endSessions.done}</p>
      <LinkAfterMail request={request} label={endSessions.choose} />
    </>
  )
  return showOpenPage(request, { title: endSessions.doneTitle, body })
}
