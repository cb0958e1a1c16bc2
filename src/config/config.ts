import { ADMIN_SCOPE_NAMES } from '../oauth/admin_scope.ts'
import type { ErrorDialect } from '../oauth/error_dialect.ts'
import type { ApiSettings } from './api_schema.ts'
import { isLoopback } from './origin.ts'
import type { Settings } from './schema.ts'

/** One API that accepts tokens. An API without its own lifetimes and format of errors has those of the top level. */
export interface ApiConfig extends ApiSettings {
  name: string
  accessTokenLifetimeSeconds: number
  refreshTokenLifetimeSeconds: number
  /** The format of the errors that clients of the API get, if their records name no other. */
  errorDialect: ErrorDialect
}

type Resolved = 'apis' | 'adminApiName' | 'accessTokenLifetimeSeconds' | 'refreshTokenLifetimeSeconds'

/** The content of config.yml, checked. Durations are in seconds, except where the name has another unit. */
export interface Config extends Omit<Settings, Resolved> {
  apis: ReadonlyMap<string, ApiConfig>
  /** The API of the operators; null if config.yml has no admin API. */
  adminApi: ApiConfig | null
  /** The longest access token lifetime of all APIs. The revocation feed lists a revocation for this time. */
  longestAccessTokenSeconds: number
}

/**
 * Makes `Config` from the checked values of config.yml.
 *
 * @param localPort The port of the local server. It replaces the port of a loopback issuer and of its audiences.
 * @param localAudiences Audiences of APIs on other local ports, such as `mcp=http://localhost:9004/mcp`, separated by spaces. An
 * issuer that is no loopback address ignores them.
 */
export function resolveConfig(settings: Settings, localPort?: string, localAudiences?: string): Config {
  return resolve(replaceAudiences(followLocalPort(settings, localPort), localAudiences))
}

function replaceAudiences(settings: Settings, localAudiences = ''): Settings {
  if (localAudiences === '' || !isLoopback(settings.issuer)) return settings
  const audiences = new Map(
    localAudiences.split(' ').map((entry): [string, string] => {
      const end = entry.indexOf('=')
      return [entry.slice(0, end), entry.slice(end + 1)]
    }),
  )
  const apis = [...settings.apis].map(([name, api]): [string, ApiSettings] => [
    name,
    { ...api, audience: audiences.get(name) ?? api.audience },
  ])
  return { ...settings, apis: new Map(apis) }
}

function followLocalPort(settings: Settings, localPort: string | undefined): Settings {
  if (localPort === undefined || !isLoopback(settings.issuer)) return settings
  const issuer = new URL(settings.issuer)
  issuer.port = localPort
  const move = (uri: string) =>
    uri.startsWith(`${settings.issuer}/`) ? issuer.origin + uri.slice(settings.issuer.length) : uri
  const apis = [...settings.apis].map(([name, api]): [string, ApiSettings] => [
    name,
    { ...api, audience: move(api.audience) },
  ])
  return { ...settings, issuer: issuer.origin, apis: new Map(apis) }
}

/** Replaces references between keys by the values that they name. */
function resolve({
  apis,
  adminApiName,
  accessTokenLifetimeSeconds,
  refreshTokenLifetimeSeconds,
  ...settings
}: Settings): Config {
  const resolved = [...apis].map(
    ([name, api]): ApiConfig => ({
      ...api,
      name,
      scopes: name === adminApiName ? [...new Set([...ADMIN_SCOPE_NAMES, ...api.scopes])] : api.scopes,
      accessTokenLifetimeSeconds: api.accessTokenLifetimeSeconds ?? accessTokenLifetimeSeconds,
      refreshTokenLifetimeSeconds: api.refreshTokenLifetimeSeconds ?? refreshTokenLifetimeSeconds,
      errorDialect: api.agents ? 'rfc6749' : (api.errorDialect ?? settings.errorDialect),
    }),
  )
  return {
    ...settings,
    apis: new Map(resolved.map((api) => [api.name, api])),
    adminApi: resolved.find((api) => api.name === adminApiName) ?? null,
    longestAccessTokenSeconds: Math.max(...resolved.map((api) => api.accessTokenLifetimeSeconds)),
  }
}
