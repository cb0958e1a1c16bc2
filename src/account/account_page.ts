import type { Texts } from '../pages/languages/en.ts'
import type { AccountRequest, UserRequest } from './account_request.ts'

type AccountHandler = (request: AccountRequest) => Response | Promise<Response>

/** A section of the account, by the name of its text. */
export type Section = keyof Texts['accountPage']['sections']

/** A page below `/account/<pool>`. */
export interface AccountPage {
  /** The path below `/account/<pool>`, with a slash at its beginning; empty for the home page of the account. */
  path: string
  /** Whether the page also exists in pools without `self_service`. The default is false. */
  isAlwaysOn?: boolean
  /** Whether the page exists only if config.yml has `mail`. The default is false. */
  needsMail?: boolean
  /** The section to whose page the home page has a link; absent for a page without a link. */
  section?: Section
  /** Whether the user has the section. The default is true. */
  isFor?(request: UserRequest): boolean
  GET?: AccountHandler
  POST?: AccountHandler
}
