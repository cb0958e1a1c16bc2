import type { Context } from 'hono'
import type { SignedInUser } from '../browser/read_signed_in.ts'
import { accountClientIdOf, firstApiOf } from '../clients/account_client.ts'
import type { ApiConfig } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { requestContext } from '../http/request_context.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { NOT_FOUND, PageError } from '../pages/page_error.tsx'
import type { AccountPageServices } from './account_page_services.ts'

/** A request for a page below `/account/<pool>`. */
export interface AccountRequest {
  c: Context
  pool: string
  /** The first API of the pool. The page has its looks. */
  api: ApiConfig
  /** The client of the account page. */
  clientId: string
  context: RequestContext
  services: AccountPageServices
}

/** The same, of a signed-in user of the pool. */
export interface UserRequest extends AccountRequest {
  signedIn: SignedInUser
}

/**
 * Reads the pool of a request.
 *
 * @throws PageError 404 for an unknown pool, and for a pool without `self_service` if the page needs it
 */
export function readAccountRequest(
  c: Context,
  needsSelfService: boolean,
  services: AccountPageServices,
): AccountRequest {
  const { config, clock } = services
  const pool = c.req.param('pool') ?? ''
  const api = firstApiOf(pool, config)
  if (api === null) throw new PageError(NOT_FOUND)
  if (needsSelfService && !accountsOf(pool, config).selfService) throw new PageError(NOT_FOUND)
  c.set('api', api)
  return { c, pool, api, clientId: accountClientIdOf(pool), context: requestContext(c, clock), services }
}
