import type { Child, PropsWithChildren } from 'hono/jsx'
import { scriptAddress } from '../browser/browser_path.ts'
import { fieldErrors } from '../browser/field_errors.ts'
import { TICKET_FIELD } from '../browser/form_ticket.ts'
import { type Looks, looksOf } from '../browser/looks.ts'
import { PageFrame } from '../browser/page_frame.tsx'
import { problemOf } from '../browser/problem_of.ts'
import { describeProblem, type ProblemWords } from '../browser/problem_words.ts'
import { BrokenForm } from '../browser/read_submission.ts'
import { accountPathOf } from '../config/account_path.ts'
import { compact } from '../lib/compact.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import type { FieldState } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { NOT_FOUND, PageError } from '../pages/page_error.tsx'
import { readForm } from '../pages/read_form.ts'
import { renderPage } from '../pages/render_page.ts'
import type { AccountPage } from './account_page.ts'
import { findSignedIn, isProven, signInUrl } from './account_proof.ts'
import type { AccountRequest, UserRequest } from './account_request.ts'
import { forgetCancelledDeletion } from './keep_browser_session.ts'
import { spendChange } from './operations/account_call.ts'
import {
  findBindingProblem,
  type Notice,
  openPageState,
  openTicket,
  type PageState,
  sealPageState,
  sealTicket,
} from './page_state.ts'

/** The content of a page. */
export interface UserPageView {
  title: string
  body: Child
  /** The file name of the script of the page; absent for a page without a script. */
  script?: string
}

/** The content of a page of a signed-in user. */
export interface UserPageContent {
  request: UserRequest
  looks: Looks
  texts: Looks['texts']['accountPage']
  /** The typed values of a refused form, and its problem. */
  state: FieldState
  /** A form of the page, with its ticket. */
  PageForm(props: PropsWithChildren): Child
}

/** A page of a signed-in user. */
export interface UserPage extends Pick<AccountPage, 'path' | 'section' | 'isFor' | 'needsMail'> {
  /** Whether the page needs a sign-in of the last 10 minutes. The default is false. */
  isSensitive?: boolean
  /** The fields whose values a refused form keeps. None of them is a password. */
  keptFields?: readonly string[]
  show(content: UserPageContent): UserPageView | Promise<UserPageView>
  /**
   * Handles an accepted form.
   *
   * @returns the notice of the page and the values that it shows, the URL to which the browser goes, or the response
   * @throws InputRefused, PasswordRefused, OAuthError, StorageUnavailable, CorruptRecord
   */
  submit?(
    request: UserRequest,
    form: Form,
  ): Promise<{ notice: Notice; typed?: PageState['typed'] } | { leaveTo: string } | { response: Response }>
  /**
   * Finds the page after a form that signed its user out, for a form that is posted twice.
   *
   * @param subject The user of the form
   * @returns the URL; null if the form has not changed anything
   */
  whenSignedOut?(request: AccountRequest, subject: string): Promise<string | null>
}

/** Makes a page that first signs the user in. */
export function userPage(page: UserPage): AccountPage {
  const { path, section, isFor, needsMail, submit } = page
  return {
    ...compact({ path, section, isFor, needsMail }),
    GET: (request) => showPage(page, request),
    ...(submit && { POST: (request) => submitPage({ ...page, submit }, request) }),
  }
}

/**
 * The request of a user whose sign-in is enough for the page; otherwise the redirect to the sign-in.
 *
 * @throws PageError 404 if the user does not have the section
 */
async function requireUser(
  { path, isSensitive = false, isFor = () => true }: UserPage,
  request: AccountRequest,
): Promise<UserRequest | Response> {
  const signedIn = await findSignedIn(request)
  if (signedIn === null || !isProven(signedIn, isSensitive, request))
    return request.c.redirect(signInUrl(path, signedIn, request), 303)
  const userRequest = { ...request, signedIn }
  if (!isFor(userRequest)) throw new PageError(NOT_FOUND)
  return userRequest
}

async function showPage(page: UserPage, accountRequest: AccountRequest): Promise<Response> {
  const request = await requireUser(page, accountRequest)
  if (request instanceof Response) return request
  const { c, pool, services } = request
  const looks = await looksOf(c, services)
  const { accountPage: texts } = looks.texts
  const { notice, problem, typed } = await openPageState(page.path, request)
  const words = problem === null ? null : describeProblem(problem, looks, services.config)
  if (problem?.kind === 'must_wait') c.header('Retry-After', String(problem.seconds))
  const state = { form: Form.of(typed), problem: fieldErrors(words) }
  const ticket = await sealTicket(page.path, request)
  const action = accountPathOf(pool) + page.path
  const PageForm = ({ children }: PropsWithChildren) => (
    <form method="post" action={action} class="form">
      <input type="hidden" name={TICKET_FIELD} value={ticket} />
      {children}
    </form>
  )
  const view = await page.show({ request, looks, texts, state, PageForm })
  const noticeText = await findNotice({ notice, typed }, texts, request)
  return writePage({ view, looks, words, noticeText, isHome: page.path === '' }, request)
}

/** Shows a page after a form, without a URL of its own, because it shows a secret once. */
export async function showOnce(view: UserPageView, request: UserRequest): Promise<Response> {
  const looks = await looksOf(request.c, request.services)
  return writePage({ view, looks, words: null, noticeText: null, isHome: false }, request)
}

interface WrittenPage {
  view: UserPageView
  looks: Looks
  words: ProblemWords | null
  noticeText: string | null
  /** Whether it is the home page, to which the other pages have a link. */
  isHome: boolean
}

async function writePage(
  { view: { title, body, script }, looks, words, noticeText, isHome }: WrittenPage,
  { c, pool, services }: UserRequest,
): Promise<Response> {
  // Without a script, a screen reader reads the title first.
  const said = words?.text ?? noticeText
  const document = (
    <PageFrame
      title={said === null ? title : `${said} · ${title}`}
      looks={looks}
      assets={await services.assets.paths()}
      script={script}
    >
      <h1>{title}</h1>
      {words === null || words.field !== null ? null : (
        <p class="note bad" role="alert">
          {words.text}
        </p>
      )}
      {noticeText === null ? null : (
        <p class="note good" role="status">
          {noticeText}
        </p>
      )}
      {body}
      {isHome ? null : (
        <p>
          <a href={accountPathOf(pool)}>{looks.texts.accountPage.back}</a>
        </p>
      )}
    </PageFrame>
  )
  const scripts = script === undefined ? [] : [scriptAddress(script, services.config)]
  const policy = { ...OWN_ORIGIN_ONLY, scripts }
  return renderPage(c, { document, policy, ...(words && { status: words.status }) })
}

/** The text of the notice after a form, otherwise that after a sign-in that cancelled the deletion of the account, once. */
async function findNotice(
  { notice, typed }: Pick<PageState, 'notice' | 'typed'>,
  texts: UserPageContent['texts'],
  request: UserRequest,
): Promise<string | null> {
  if (notice !== null) return textOfNotice(notice, typed, texts)
  if (!request.signedIn.session.cancelledDeletion) return null
  await forgetCancelledDeletion(request)
  return texts.notices.deletionCancelled
}

/** @param typed The values that the page shows; a notice can name the client. */
function textOfNotice(
  name: string,
  { client = '' }: PageState['typed'],
  { notices }: UserPageContent['texts'],
): string | null {
  const text = new Map<string, string | ((client: string) => string)>(Object.entries(notices)).get(name)
  return (typeof text === 'function' ? text(client) : text) ?? null
}

/** Handles a form. It leads to the URL of the page (303), so a reload does not send it again. */
async function submitPage(
  page: UserPage & Required<Pick<UserPage, 'submit'>>,
  accountRequest: AccountRequest,
): Promise<Response> {
  const { c } = accountRequest
  const form = await readForm(c)
  const ticket = await openTicket(form.text(TICKET_FIELD), page.path, accountRequest)
  if (ticket === null) throw new BrokenForm()
  const after = await page.whenSignedOut?.(accountRequest, ticket.subject)
  if (typeof after === 'string') return c.redirect(after, 303)
  const request = await requireUser(page, accountRequest)
  if (request instanceof Response) return request
  const refusal = await findBindingProblem(ticket, request)
  if (refusal !== null) return goBack(page, { problem: refusal }, request)
  try {
    await spendChange(request)
    const outcome = await page.submit(request, form)
    if ('response' in outcome) return outcome.response
    return 'leaveTo' in outcome ? c.redirect(outcome.leaveTo, 303) : goBack(page, outcome, request)
  } catch (error) {
    const problem = problemOf(error)
    if (problem === null) throw error
    const typed = Object.fromEntries((page.keptFields ?? []).map((name) => [name, form.text(name)]))
    return goBack(page, { problem, typed }, request)
  }
}

async function goBack(
  { path }: UserPage,
  state: Partial<PageState>,
  request: UserRequest,
): Promise<Response> {
  const query = await sealPageState(path, state, request)
  return request.c.redirect(`${accountPathOf(request.pool)}${path}?${query}`, 303)
}
