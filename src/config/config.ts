import type { ErrorDialect } from '../oauth/error_dialect.ts'
import type { BREACH_OUTCOMES } from './breached_passwords_schema.ts'
import type { CHALLENGE_OUTAGES } from './challenge_schema.ts'
import { isLoopback } from './origin.ts'
import { type ConfigFile, configSchema, type SIGNING_ALGORITHMS } from './schema.ts'

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

/** The cost of an Argon2id hash: `m` in KiB, `t` passes, `p` lanes (RFC 9106 §3.1). */
export interface Argon2Cost {
  m: number
  t: number
  p: number
}

/** How many password hashes may wait in an isolate: so many, of so many milliseconds together. */
export interface PasswordQueueLimits {
  length: number
  ms: number
}

/** How many failures lead to a lock, and how long it lasts: twice as long each time, up to the longest. */
export interface FailureLimits {
  failures: number
  lockSeconds: number
  longestLockSeconds: number
}

export interface SignInLimits {
  account: FailureLimits
  address: FailureLimits
  /** An IPv6 /56. */
  site: FailureLimits
  /** An IPv6 /48 or an IPv4 /24. */
  network: FailureLimits
  client: FailureLimits
  /** How long after the last failure, or the end of a lock, all is forgotten. */
  memorySeconds: number
}

/** Where passwords from known breaches are looked for, and what comes of one. */
export interface BreachedPasswordSettings {
  /** Of a service that answers as the range API of Pwned Passwords does: five characters of a hash are put behind it. */
  rangeUrl: string
  /** `claim`: the person's tokens say so. `change`: they are good for nothing but a change of the password. */
  outcome: (typeof BREACH_OUTCOMES)[number]
  timeoutMs: number
  /** How long what was found counts. */
  recheckSeconds: number
}

/** Where the responses of a challenge, such as Turnstile, are checked. */
export interface ChallengeSettings {
  verifyUrl: string
  /** While that service is down, `open` lets a sign-in with recent failures continue, `closed` refuses it. */
  whenDown: (typeof CHALLENGE_OUTAGES)[number]
  timeoutMs: number
}

/** One API that tokens are for. */
export interface ApiConfig {
  name: string
  audience: string
  /** The pool that its users are in. */
  userPool: string
  guests: boolean
  scopes: string[]
  guestScopes: string[]
  accessTokenLifetimeSeconds: number
  refreshTokenLifetimeSeconds: number
}

/** One database for sessions. */
export interface ShardConfig {
  /** The beginning of its sids. */
  name: string
  /** The D1 binding of wrangler.toml. */
  binding: string
  /** The continents whose new sessions go there, by the codes of Cloudflare's `request.cf.continent`. */
  continents: string[]
}

/** config.yml, checked. Durations are in seconds unless the name says otherwise. */
export interface Config {
  issuer: string
  signingAlgorithm: SigningAlgorithm
  keyRotationSeconds: number
  refreshTokensEnabled: boolean
  /** How long a refresh token that was just used is answered again with the same successor. */
  refreshRetryWindowSeconds: number
  /** How long a session may live, however often it is refreshed; null where there is no cap. */
  sessionLifetimeSeconds: number | null
  /** Where sessions are stored. The first serves every continent that none names. */
  sessionShards: ShardConfig[]
  auditRetentionSeconds: number
  /** How many audit events are kept. The oldest ones past this number are removed before `audit_retention_days`. */
  auditMaxEvents: number
  errorDialect: ErrorDialect
  passwordHash: Argon2Cost
  passwordQueue: PasswordQueueLimits
  /** Of a password that is set in clear, in Unicode code points. */
  minimumPasswordLength: number
  /** Null where nobody is asked. */
  breachedPasswords: BreachedPasswordSettings | null
  /** Null where config.yml has no challenge. */
  challenge: ChallengeSettings | null
  signInLimits: SignInLimits
  /** What an address may do in a minute at one location. Kept by the bindings of wrangler.toml, which must agree. */
  burstLimits: ConfigFile['burst_limits']
  cors: { allowOrigins: string[]; allowHeaders: string[]; preflightMaxAgeSeconds: number }
  apis: ReadonlyMap<string, ApiConfig>
  /** The API of the operators; null where there is no admin API. */
  adminApi: ApiConfig | null
  /** How long a cut-off matters to the APIs. */
  longestAccessTokenSeconds: number
}

/** config.yml is not usable. `problems` has one line each, `path: what must change`. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`config.yml:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/**
 * Reads what config.yml says.
 *
 * @param document As YAML or JSON gives it.
 * @param options.localPort On a loopback issuer, the port that the issuer and the audiences under it move to.
 * @throws ConfigError with every problem at once
 */
export function readConfig(document: unknown, options: { localPort?: string | undefined } = {}): Config {
  const result = configSchema.safeParse(document)
  if (!result.success) {
    throw new ConfigError(result.error.issues.flatMap(describeIssue))
  }
  return toConfig(followLocalPort(result.data, options.localPort))
}

type Issue = { code?: string; path: PropertyKey[]; message: string; keys?: string[] }

function describeIssue(issue: Issue): string[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => `${[...path, key].join('.')}: is not a known key`)
  }
  const message = issue.code === 'invalid_key' ? 'must be a lower-case name' : issue.message
  return [`${path.join('.') || '(top level)'}: ${message}`]
}

function followLocalPort(file: ConfigFile, localPort: string | undefined): ConfigFile {
  if (localPort === undefined || !isLoopback(file.issuer)) return file
  const issuer = new URL(file.issuer)
  issuer.port = localPort
  const move = (uri: string) =>
    uri.startsWith(`${file.issuer}/`) ? issuer.origin + uri.slice(file.issuer.length) : uri
  const apis = Object.entries(file.apis).map(([name, api]) => [
    name,
    { ...api, audience: move(api.audience) },
  ])
  return { ...file, issuer: issuer.origin, apis: Object.fromEntries(apis) }
}

function toConfig(file: ConfigFile): Config {
  const apis = Object.entries(file.apis).map(([name, api]) => toApi(name, api, file))
  return {
    issuer: file.issuer,
    signingAlgorithm: file.signing_algorithm,
    keyRotationSeconds: file.key_rotation_days * 86_400,
    refreshTokensEnabled: file.enable_refresh_token,
    refreshRetryWindowSeconds: file.refresh_retry_window,
    sessionLifetimeSeconds: file.session_lifetime ?? null,
    sessionShards: file.session_shards,
    auditRetentionSeconds: file.audit_retention_days * 86_400,
    auditMaxEvents: file.audit_max_events,
    errorDialect: file.errors,
    passwordHash: file.password_hash,
    minimumPasswordLength: file.minimum_password_length,
    breachedPasswords: toBreachedPasswords(file.breached_passwords),
    challenge: toChallenge(file.challenge),
    signInLimits: toSignInLimits(file.sign_in_limits),
    burstLimits: file.burst_limits,
    passwordQueue: { length: file.password_queue.length, ms: file.password_queue.seconds * 1000 },
    cors: {
      allowOrigins: file.cors.allow_origins,
      allowHeaders: file.cors.allow_headers,
      preflightMaxAgeSeconds: file.cors.preflight_max_age,
    },
    apis: new Map(apis.map((api) => [api.name, api])),
    adminApi: apis.find((api) => api.name === file.admin_api) ?? null,
    longestAccessTokenSeconds: Math.max(...apis.map((api) => api.accessTokenLifetimeSeconds)),
  }
}

function toBreachedPasswords(file: ConfigFile['breached_passwords']): BreachedPasswordSettings | null {
  if (file === undefined) return null
  const { range_url: rangeUrl, outcome, timeout, recheck_days } = file
  return { rangeUrl, outcome, timeoutMs: timeout * 1000, recheckSeconds: recheck_days * 86_400 }
}

function toChallenge(file: ConfigFile['challenge']): ChallengeSettings | null {
  if (file === undefined) return null
  return { verifyUrl: file.verify_url, whenDown: file.when_down, timeoutMs: file.timeout * 1000 }
}

/** A network around an address never has a lower limit than the address. */
function toSignInLimits({ memory, ...limits }: ConfigFile['sign_in_limits']): SignInLimits {
  const toLimits = ({ failures, lock, longest_lock }: typeof limits.account, atLeast = 0): FailureLimits => ({
    failures: Math.max(failures, atLeast),
    lockSeconds: lock,
    longestLockSeconds: longest_lock,
  })
  const address = toLimits(limits.address)
  const site = toLimits(limits.site, address.failures)
  const network = toLimits(limits.network, site.failures)
  return {
    account: toLimits(limits.account),
    address,
    site,
    network,
    client: toLimits(limits.client),
    memorySeconds: memory,
  }
}

function toApi(name: string, api: ConfigFile['apis'][string], file: ConfigFile): ApiConfig {
  return {
    name,
    audience: api.audience,
    userPool: api.users,
    guests: api.guests,
    scopes: api.scopes,
    guestScopes: api.guest_scopes,
    accessTokenLifetimeSeconds: api.access_token_lifetime ?? file.access_token_lifetime,
    refreshTokenLifetimeSeconds: api.refresh_token_lifetime ?? file.refresh_token_lifetime,
  }
}
