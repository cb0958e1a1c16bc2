import { LINK_PARAMETER } from '../accounts/account_links.ts'
import { CONFIRM_ADDRESS } from '../accounts/link_kinds.ts'
import { looksOf } from '../browser/looks.ts'
import { problemOf } from '../browser/problem_of.ts'
import { accountPathOf } from '../config/account_path.ts'
import { breakable } from '../pages/breakable.tsx'
import { readForm } from '../pages/read_form.ts'
import type { AccountPage } from './account_page.ts'
import type { AccountRequest } from './account_request.ts'
import { goToOpenPage, readProblem, showOpenPage, showVoidLink } from './link_page.tsx'

const PATH = `/${CONFIRM_ADDRESS.page}`
/** The page on which the user can request another link. */
const ADDRESS_PAGE = { path: '/address' }
const DONE_PATH = `${PATH}/done`

/** The pages on which a user confirms a new address by a link. The browser needs no session. */
export const confirmAddressPages: readonly AccountPage[] = [
  { path: PATH, GET: showButton, POST: submit },
  { path: DONE_PATH, GET: showDone },
]

/** Shows the account and the address, and changes nothing. So the reader sees if another user requested the change. */
async function showButton(request: AccountRequest): Promise<Response> {
  const { c, pool, context, services } = request
  const token = c.req.query(LINK_PARAMETER) ?? ''
  const link = await services.addressChanges.find({ token, pool }, context.now)
  if (link === null) return showVoidLink(request, ADDRESS_PAGE)
  const looks = await looksOf(c, services)
  const { confirmAddress: texts } = looks.texts
  const problem = await readProblem(request, looks)
  const body = (
    <form method="post" action={accountPathOf(pool) + PATH} class="form">
      <p>{breakable(texts.text(link.data.address, link.user.username))}</p>
      <p class="soft">{texts.ignore}</p>
      <input type="hidden" name={LINK_PARAMETER} value={token} />
      <button type="submit" class="primary">
        {texts.title}
      </button>
    </form>
  )
  return showOpenPage(request, { title: texts.title, body, problem })
}

async function submit(request: AccountRequest): Promise<Response> {
  const { c, pool, api, context, services } = request
  const token = (await readForm(c)).text(LINK_PARAMETER)
  try {
    const user = await services.addressChanges.confirm({ token, pool, api: api.name }, context)
    return user === null
      ? showVoidLink(request, ADDRESS_PAGE)
      : goToOpenPage({ path: DONE_PATH, parameters: {} }, request)
  } catch (error) {
    const problem = problemOf(error)
    if (problem === null) throw error
    if ((await services.addressChanges.find({ token, pool }, context.now)) === null)
      return showVoidLink(request, ADDRESS_PAGE)
    return goToOpenPage({ path: PATH, parameters: { [LINK_PARAMETER]: token }, problem }, request)
  }
}

async function showDone(request: AccountRequest): Promise<Response> {
  const { c, pool, services } = request
  const { confirmAddress: texts, accountPage } = (await looksOf(c, services)).texts
  const body = (
    <>
      <p>{texts.done}</p>
      <p>
        <a href={accountPathOf(pool)}>{accountPage.title}</a>
      </p>
    </>
  )
  return showOpenPage(request, { title: texts.doneTitle, body })
}
