import type { Config } from '../config/config.ts'
import type { AccountPage } from './account_page.ts'
import { addressPage } from './address_page.tsx'
import { applicationsPage } from './applications_page.tsx'
import { confirmAddressPages } from './confirm_address_page.tsx'
import { dataPage } from './data_page.tsx'
import { deletionPages } from './deletion_page.tsx'
import { endSessionsPages } from './end_sessions_page.tsx'
import { forgottenPasswordPage, forgottenPasswordSentPage } from './forgotten_password_page.tsx'
import { createHomePage } from './home_page.tsx'
import { newPasswordPages } from './new_password_page.tsx'
import { passkeysPage } from './passkeys_page.tsx'
import { passwordPage } from './password_page.tsx'
import { profilePage } from './profile_page.tsx'
import { secondFactorPage } from './second_factor_page.tsx'
import { sessionsPage } from './sessions_page.tsx'

/** The pages of the sections, in the order of the home page, and the pages without a link. */
const PAGES: readonly AccountPage[] = [
  profilePage,
  addressPage,
  passwordPage,
  passkeysPage,
  secondFactorPage,
  sessionsPage,
  applicationsPage,
  dataPage,
  ...deletionPages,
  forgottenPasswordPage,
  forgottenPasswordSentPage,
  ...newPasswordPages,
  ...confirmAddressPages,
  ...endSessionsPages,
]

/** The pages below `/account/<pool>`. Without `mail` in config.yml, the pages that send mails do not exist. */
export function accountPagesOf({ mail }: Pick<Config, 'mail'>): AccountPage[] {
  const pages = PAGES.filter(({ needsMail = false }) => mail !== null || !needsMail)
  return [createHomePage(pages), ...pages]
}
