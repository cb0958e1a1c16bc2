import type { Config } from '../config/config.ts'
import type { ErrorDialect } from '../oauth/error_dialect.ts'
import type { Client } from './client.ts'
import { clientApis } from './client_apis.ts'

/**
 * The format of the errors that a client gets: that of its record, else that of its API. A client of an API with agents gets the format of
 * the RFC, because agents know no other.
 */
export function errorDialectOf(
  client: Pick<Client, 'api' | 'additionalApis' | 'errorDialect'>,
  config: Pick<Config, 'apis' | 'adminApi' | 'errorDialect'>,
): ErrorDialect {
  if (clientApis(client, config).some(({ agents }) => agents)) return 'rfc6749'
  return client.errorDialect ?? config.apis.get(client.api)?.errorDialect ?? config.errorDialect
}
