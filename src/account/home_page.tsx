import { LOGOUT_ENDPOINT_PATH } from '../authorization/authorization_path.ts'
import { looksOf } from '../browser/looks.ts'
import { PageFrame } from '../browser/page_frame.tsx'
import { accountPathOf } from '../config/account_path.ts'
import { breakable } from '../pages/breakable.tsx'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { renderPage } from '../pages/render_page.ts'
import type { AccountPage } from './account_page.ts'
import { signInUrl, stateOf } from './account_proof.ts'
import type { AccountRequest } from './account_request.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

/**
 * Creates the home page of the account: who is signed in, and a link to the page of each section.
 *
 * @param pages The other pages of the account.
 */
export function createHomePage(pages: readonly AccountPage[]): AccountPage {
  const shown = userPage({ path: '', show: (content) => showHome(pages, content) })
  return { ...shown, GET: (request) => returnFromSignIn(pages, request) ?? show(shown, request) }
}

function show({ GET }: AccountPage, request: AccountRequest): Response | Promise<Response> {
  if (GET === undefined) throw new Error('the home page has no GET')
  return GET(request)
}

/**
 * Handles the response of the sign-in, whose redirect URI is the home page. The server does not exchange the code: the browser session is
 * the result of the sign-in.
 *
 * @returns null for a request that is no such response
 */
function returnFromSignIn(
  pages: readonly AccountPage[],
  request: AccountRequest,
): Response | Promise<Response> | null {
  const { c, pool } = request
  if (c.req.query('error') !== undefined) return showSignedOut(request)
  if (c.req.query('code') === undefined) return null
  const asking = pages.find(({ path }) => stateOf(path) === c.req.query('state'))
  return c.redirect(accountPathOf(pool) + (asking?.path ?? ''), 303)
}

function showHome(pages: readonly AccountPage[], { request, texts, looks }: UserPageContent): UserPageView {
  const { pool, signedIn, services } = request
  const sections = pages.flatMap(({ path, section, isFor = () => true }) =>
    section !== undefined && isFor(request) ? [{ path, section }] : [],
  )
  const body = (
    <>
      <p class="soft">{breakable(looks.texts.account.signedInAs(signedIn.user.username))}</p>
      <ul class="sections">
        {sections.map(({ path, section }) => (
          <li>
            <a href={accountPathOf(pool) + path}>{texts.sections[section]}</a>
          </li>
        ))}
      </ul>
      {services.config.openIdEnabled ? (
        <p>
          <a href={LOGOUT_ENDPOINT_PATH}>{looks.texts.signOut.submit}</a>
        </p>
      ) : null}
    </>
  )
  return { title: texts.title, body }
}

/** The page after a sign-in that the user cancelled, or that failed. */
async function showSignedOut(request: AccountRequest): Promise<Response> {
  const { c, services } = request
  const looks = await looksOf(c, services)
  const { texts } = looks
  const document = (
    <PageFrame title={texts.accountPage.title} looks={looks} assets={await services.assets.paths()}>
      <h1>{texts.accountPage.title}</h1>
      <p>{texts.accountPage.notSignedIn}</p>
      <p>
        <a href={signInUrl('', null, request)}>{texts.signIn.title}</a>
      </p>
    </PageFrame>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY })
}
