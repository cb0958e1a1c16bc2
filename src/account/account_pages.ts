import type { AccountPage } from './account_page.ts'
import { addressPage } from './address_page.tsx'
import { applicationsPage } from './applications_page.tsx'
import { confirmAddressPages } from './confirm_address_page.tsx'
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
  forgottenPasswordPage,
  forgottenPasswordSentPage,
  ...newPasswordPages,
  ...confirmAddressPages,
]

/** The pages below `/account/<pool>`. */
export const ACCOUNT_PAGES: readonly AccountPage[] = [createHomePage(PAGES), ...PAGES]
