import type { Context } from 'hono'
import type { BrowserServices } from '../browser/browser_services.ts'
import type { ApiConfig } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { requestContext } from '../http/request_context.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { NOT_FOUND, PageError } from '../pages/page_error.tsx'

/** A request for a page below `/account/<pool>`. */
export interface AccountRequest {
  c: Context
  pool: string
  /** The first API of the pool. The page has its looks. */
  api: ApiConfig
  context: RequestContext
  services: BrowserServices
}

/**
 * Reads the pool of a request.
 *
 * @throws PageError 404 for an unknown pool, and for a pool without `self_service` if the page needs it
 */
export function readAccountRequest(
  c: Context,
  needsSelfService: boolean,
  services: BrowserServices,
): AccountRequest {
  const { config, clock } = services
  const pool = c.req.param('pool') ?? ''
  const api = [...config.apis.values()].find(({ userPool }) => userPool === pool)
  if (api === undefined) throw new PageError(NOT_FOUND)
  if (needsSelfService && !accountsOf(pool, config).selfService) throw new PageError(NOT_FOUND)
  c.set('api', api)
  return { c, pool, api, context: requestContext(c, clock), services }
}
