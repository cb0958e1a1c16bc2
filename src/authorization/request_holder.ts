import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { highestLevelOf } from '../signin/second_factor.ts'
import type { RequestHolder, RequestingClient } from './parse_request.ts'

/** The client of a request, with the settings that decide which values the request can have. */
export function requestHolderOf({ client, api }: RequestingClient, config: Config): RequestHolder {
  return {
    client,
    api,
    openIdEnabled: config.openIdEnabled,
    highestLevel: highestLevelOf(api.userPool, config),
    hasSignUp: accountsOf(api.userPool, config).signUp,
  }
}
