import type { Child } from 'hono/jsx'
import { accountPathOf, FORGOTTEN_PASSWORD_PATH } from '../config/account_path.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { makeTicket } from './form_ticket.ts'
import { STATE_PARAMETER, sealPageLink } from './page_link.ts'
import type { PageContent } from './step_page.ts'

/** The link to the page for a forgotten password, which leads back to this sign-in; null in a pool without self_service, and without mail. */
export async function forgottenPasswordLink({
  situation,
  looks: { texts },
  services,
  formId,
}: Pick<PageContent, 'situation' | 'looks' | 'services' | 'formId'>): Promise<Child> {
  const { userPool } = situation.browserRequest.api
  const { config } = services
  if (config.mail === null || !accountsOf(userPool, config).selfService) return null
  const ticket = makeTicket({ formId, step: 'sign_in' }, situation)
  const state = await sealPageLink({ ticket, problem: null, username: '', name: '' }, services)
  const query = new URLSearchParams({ [STATE_PARAMETER]: state })
  return (
    <p>
      <a href={`${accountPathOf(userPool)}${FORGOTTEN_PASSWORD_PATH}?${query}`}>{texts.forgotten.link}</a>
    </p>
  )
}
