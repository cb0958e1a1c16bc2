import type { AccountRequest } from './account_request.ts'

type AccountHandler = (request: AccountRequest) => Response | Promise<Response>

/** A page below `/account/<pool>`. */
export interface AccountPage {
  /** The path below `/account/<pool>`, with a slash at its beginning; empty for the home page of the account. */
  path: string
  /** Whether the page also exists in pools without `self_service`. The default is false. */
  isAlwaysOn?: boolean
  GET?: AccountHandler
  POST?: AccountHandler
}
