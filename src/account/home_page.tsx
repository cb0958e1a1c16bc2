import { looksOf } from '../browser/looks.ts'
import { PageFrame } from '../browser/page_frame.tsx'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { renderPage } from '../pages/render_page.ts'
import type { AccountPage } from './account_page.ts'
import type { AccountRequest } from './account_request.ts'

/** The home page of the account, with a link to the page of each section. */
export const homePage: AccountPage = { path: '', GET: showHome }

async function showHome({ c, services }: AccountRequest): Promise<Response> {
  const looks = await looksOf(c, services)
  const { title } = looks.texts.accountPage
  const document = (
    <PageFrame title={title} looks={looks} assets={await services.assets.paths()}>
      <h1>{title}</h1>
    </PageFrame>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY })
}
