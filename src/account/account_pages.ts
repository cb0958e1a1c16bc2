import type { AccountPage } from './account_page.ts'
import { forgottenPasswordPage, forgottenPasswordSentPage } from './forgotten_password_page.tsx'
import { homePage } from './home_page.tsx'
import { newPasswordPages } from './new_password_page.tsx'

/** The pages below `/account/<pool>`. */
export const ACCOUNT_PAGES: readonly AccountPage[] = [
  homePage,
  forgottenPasswordPage,
  forgottenPasswordSentPage,
  ...newPasswordPages,
]
