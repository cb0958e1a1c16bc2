import type { Child } from 'hono/jsx'
import * as z from 'zod/mini'
import { type Looks, looksOf } from '../browser/looks.ts'
import { PageFrame } from '../browser/page_frame.tsx'
import { describeProblem, type ProblemWords } from '../browser/problem_words.ts'
import { accountPathOf, FORGOTTEN_PASSWORD_PATH } from '../config/account_path.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { renderPage } from '../pages/render_page.ts'
import { type SignInProblem, signInProblemSchema } from '../signin/sign_in_problem.ts'
import type { AccountRequest } from './account_request.ts'

/** The parameter with the sealed problem of a refused form. */
const PROBLEM_PARAMETER = 'problem'

const problemSchema = z.object({ kind: z.literal('link page'), problem: signInProblemSchema })

/** A page for a user who is not signed in. */
export interface OpenPage {
  title: string
  body: Child
  /** Null without a problem. */
  problem?: ProblemWords | null
  status?: number
}

/**
 * Shows a page whose URL can have the token of a link. With `strict-origin`, a request from the page has only the origin in its
 * Referer, so the token is in none. With `no-referrer`, browsers would send `Origin: null` with its form.
 */
export async function showOpenPage(
  { c, services }: AccountRequest,
  { title, body, problem = null, status = problem?.status ?? 200 }: OpenPage,
): Promise<Response> {
  const looks = await looksOf(c, services)
  c.header('Referrer-Policy', 'strict-origin')
  const document = (
    // Without a script, a screen reader reads the title first.
    <PageFrame
      title={problem === null ? title : `${problem.text} · ${title}`}
      looks={looks}
      assets={await services.assets.paths()}
    >
      <h1>{title}</h1>
      {problem === null || problem.field !== null ? null : (
        <p class="note bad" role="alert">
          {problem.text}
        </p>
      )}
      {body}
    </PageFrame>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status })
}

/** The link of a page after a link that cannot be used. */
interface NextLink {
  /** The path below `/account/<pool>`. Default: that of the page for a forgotten password. */
  path?: string
  /** Default: the label for a link of the same kind. */
  label?: string
}

/** Shows that a link cannot be used. The text is the same for each reason. */
export async function showVoidLink(
  request: AccountRequest,
  { path = FORGOTTEN_PASSWORD_PATH, label }: NextLink = {},
): Promise<Response> {
  const { voidLink } = (await looksOf(request.c, request.services)).texts
  const body = (
    <>
      <p>{voidLink.text}</p>
      <LinkAfterMail request={request} path={path} label={label ?? voidLink.again} />
    </>
  )
  return showOpenPage(request, { title: voidLink.title, body, status: 400 })
}

/** The link to a page that sends a mail; nothing in a pool without it. */
export function LinkAfterMail({
  request: { pool, services },
  path = FORGOTTEN_PASSWORD_PATH,
  label,
}: NextLink & { request: AccountRequest; label: string }) {
  const { config } = services
  if (config.mail === null || !accountsOf(pool, config).selfService) return null
  return (
    <p>
      <a href={accountPathOf(pool) + path}>{label}</a>
    </p>
  )
}

/** The URL of a page for a user who is not signed in. */
interface OpenPageUrl {
  /** The path below `/account/<pool>`. */
  path: string
  parameters: Readonly<Record<string, string>>
  /** The problem of a refused form. */
  problem?: SignInProblem
}

/** Leads the browser to the URL of a page (303), so that a reload does not send the form again. */
export async function goToOpenPage(
  { path, parameters, problem }: OpenPageUrl,
  { c, pool, services }: AccountRequest,
): Promise<Response> {
  const query = new URLSearchParams(parameters)
  if (problem !== undefined)
    query.set(PROBLEM_PARAMETER, await services.formSealer.sealValue({ kind: 'link page', problem }))
  const text = query.toString()
  return c.redirect(accountPathOf(pool) + path + (text === '' ? '' : `?${text}`), 303)
}

/** The problem in the URL of a page; null without one. */
export async function readProblem(
  { c, services }: AccountRequest,
  looks: Looks,
): Promise<ProblemWords | null> {
  const sealed = c.req.query(PROBLEM_PARAMETER)
  if (sealed === undefined) return null
  const opened = await services.formSealer.openValue(sealed, problemSchema)
  if (opened === null) return null
  if (opened.problem.kind === 'must_wait') c.header('Retry-After', String(opened.problem.seconds))
  return describeProblem(opened.problem, looks, services.config)
}
