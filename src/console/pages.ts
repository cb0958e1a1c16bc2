import { auditPage } from './audit_page.tsx'
import { CLIENT_PAGES } from './client_actions.tsx'
import { clientsPage } from './clients_page.tsx'
import { dashboardPage } from './dashboard_page.tsx'
import { keptPage } from './kept_page.tsx'
import { KEY_PAGES } from './keys_page.tsx'
import { NEW_CLIENT_PAGES } from './new_client_page.tsx'
import { NEW_USER_PAGES } from './new_user_page.tsx'
import type { Page } from './page.ts'
import { PASSWORD_PAGES } from './password_page.tsx'
import { searchPage } from './search_page.tsx'
import { sessionsPage } from './sessions_page.tsx'
import { TIMELINE_PAGES } from './timeline_page.tsx'
import { USER_PAGES } from './user_actions.tsx'
import { usersPage } from './users_page.tsx'

/** The pages and actions for a signed-in operator. A fixed path precedes a path with a parameter. */
export const PAGES: readonly Page[] = [
  dashboardPage,
  clientsPage,
  ...NEW_CLIENT_PAGES,
  ...CLIENT_PAGES,
  usersPage,
  ...NEW_USER_PAGES,
  ...USER_PAGES,
  sessionsPage,
  ...TIMELINE_PAGES,
  ...KEY_PAGES,
  auditPage,
  searchPage,
  ...PASSWORD_PAGES,
  keptPage,
]
