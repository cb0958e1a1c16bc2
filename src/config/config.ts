import { ADMIN_SCOPE_NAMES } from '../oauth/admin_scope.ts'
import type { ApiSettings } from './api_schema.ts'
import { isLoopback } from './origin.ts'
import { configCheck, type Settings } from './schema.ts'

/** One API that accepts tokens. An API without its own lifetimes has the top-level lifetimes. */
export interface ApiConfig extends ApiSettings {
  name: string
  accessTokenLifetimeSeconds: number
  refreshTokenLifetimeSeconds: number
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

/** config.yml is invalid. `problems` has one line for each problem: `path: the rule for the value`. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`config.yml:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

type DescribeKey = (path: readonly string[]) => string

interface ReadOptions {
  /** The port of the local server. It replaces the port of a loopback issuer and of its audiences. */
  localPort?: string | undefined
  /** The message for an unknown key, by its keys from the top. */
  describeUnknownKey?: DescribeKey
}

/**
 * Checks the content of config.yml and returns `Config`.
 *
 * @param document The value that a YAML or JSON parser returns.
 * @throws ConfigError, with all problems
 */
export function readConfig(document: unknown, options: ReadOptions = {}): Config {
  const result = configCheck.schema.safeParse(document)
  if (!result.success) {
    const describeKey = options.describeUnknownKey ?? (() => 'is not a known key')
    throw new ConfigError(result.error.issues.flatMap((issue) => describeIssue(issue, describeKey)))
  }
  return resolve(followLocalPort(configCheck.read(result.data), options.localPort))
}

type Issue = { code?: string; path: PropertyKey[]; message: string; keys?: string[] }

function describeIssue(issue: Issue, describeKey: DescribeKey): string[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const unknown = (issue.keys ?? []).map((key) => [...path, key])
    return unknown.map((keys) => `${keys.join('.')}: ${describeKey(keys)}`)
  }
  const message = issue.code === 'invalid_key' ? 'must be a lower-case name' : issue.message
  return [`${path.join('.') || '(top level)'}: ${message}`]
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
    }),
  )
  return {
    ...settings,
    apis: new Map(resolved.map((api) => [api.name, api])),
    adminApi: resolved.find((api) => api.name === adminApiName) ?? null,
    longestAccessTokenSeconds: Math.max(...resolved.map((api) => api.accessTokenLifetimeSeconds)),
  }
}
