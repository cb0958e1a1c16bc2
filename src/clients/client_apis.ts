import type { ApiConfig, Config } from '../config/config.ts'
import type { Client } from './client.ts'
import type { ClientRequest } from './client_request.ts'

type Apis = Pick<Config, 'apis' | 'adminApi'>

/** The fields of a client that decide for which APIs it can get tokens. */
export type ApiHolder = Pick<Client, 'api' | 'additionalApis'>

/**
 * The API of this name, if the client can get tokens for it; null for any other. Only a client that belongs to the admin API has it,
 * also if `admin_api` in config.yml changed after the client was stored.
 */
export function findClientApi(client: ApiHolder, name: string, { apis, adminApi }: Apis): ApiConfig | null {
  const isAdditional = client.additionalApis.includes(name) && name !== adminApi?.name
  return name === client.api || isAdditional ? (apis.get(name) ?? null) : null
}

/** The APIs for which a client can get tokens, its own first. */
export function clientApis(client: ApiHolder, config: Apis): ApiConfig[] {
  const names = [client.api, ...client.additionalApis]
  return names.flatMap((name) => findClientApi(client, name, config) ?? [])
}

/** The same request about another API of its client; null if the client has no such API. */
export function findRequestAbout<Request extends Pick<ClientRequest, 'client' | 'api'>>(
  request: Request,
  name: string,
  config: Apis,
): Request | null {
  const api = findClientApi(request.client, name, config)
  return api && { ...request, api }
}
