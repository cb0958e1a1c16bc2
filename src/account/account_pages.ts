import type { AccountPage } from './account_page.ts'
import { homePage } from './home_page.tsx'

/** The pages below `/account/<pool>`. */
export const ACCOUNT_PAGES: readonly AccountPage[] = [homePage]
