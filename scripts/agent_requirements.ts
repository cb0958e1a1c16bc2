import type { ApiConfig, Config } from '../src/config/config.ts'
import { accountsOf } from '../src/config/pool_settings.ts'

/** A requirement of a platform protocol. docs/agents.md names the test of each. */
interface Requirement {
  /** The number in docs/agents.md. */
  id: string
  /** Finds what config.yml lacks; null if nothing. Absent: the service meets it with every configuration. */
  find?: (config: Config) => string | null
  /** The part that config.yml cannot show: a setting of a client or of an API. */
  elsewhere?: string
}

/** The state of one requirement. */
export interface Finding {
  id: string
  state: 'met' | 'missing' | 'elsewhere'
  /** What is missing, or what to do elsewhere; empty for a met requirement. */
  text: string
}

const agentApis = ({ apis }: Config): ApiConfig[] => [...apis.values()].filter(({ agents }) => agents)

const needsAgentApi = (config: Config) =>
  agentApis(config).length === 0 ? 'no API has agents: true, so PKCE is not always required' : null

const needsScopes = (config: Config) =>
  agentApis(config).some(({ scopes }) => scopes.length > 0)
    ? null
    : 'no API with agents has scopes, so the metadata lists none'

const needsUcpScopes = (config: Config) =>
  agentApis(config).some(({ scopes }) => scopes.some((scope) => scope.startsWith('dev.ucp.')))
    ? null
    : 'no API with agents has a scope of UCP, such as dev.ucp.shopping.order:read'

const needsSignUp = (config: Config) =>
  agentApis(config).some(({ userPool }) => accountsOf(userPool, config).signUp)
    ? null
    : 'no pool of an API with agents has sign_up: true'

const needsTrustedHosts = ({ agents }: Config) =>
  agents.trustedHosts.length > 0
    ? null
    : 'agents.trusted_hosts is empty, so only registered clients can sign users in: set it and agents.default_api'

/** MCP clients send the address of the server as `resource` (RFC 8707 §2). */
const needsResourceUrls = (config: Config) => {
  const wrong = agentApis(config).find(({ audience }) => !/^https?:\/\//.test(audience))
  return wrong === undefined ? null : `the audience of ${wrong.name} is not the URL of the API`
}

const CHALLENGES = 'set realm, resourceMetadata, scope and body: ucpBody(…) in @sallyport/verify'
const DOCUMENT = 'set resourceMetadata in @sallyport/verify'

const UCP: readonly Requirement[] = [
  { id: 'U1', find: needsAgentApi },
  { id: 'U2' },
  { id: 'U3', find: needsScopes },
  { id: 'U4' },
  { id: 'U5' },
  { id: 'U6' },
  { id: 'U7', elsewhere: 'let the APIs poll every second, and introspect important operations' },
  { id: 'U8', elsewhere: 'set audience and clientId in @sallyport/verify' },
  { id: 'U9', elsewhere: CHALLENGES },
  { id: 'U10', elsewhere: CHALLENGES },
  { id: 'U11', elsewhere: DOCUMENT },
  { id: 'U12', find: needsUcpScopes },
  { id: 'U13', find: needsSignUp },
  {
    id: 'U14',
    elsewhere:
      'set incremental_scopes: true in the record of each registered platform (agents.ucp covers clients with a document)',
  },
]

const MCP: readonly Requirement[] = [
  { id: 'M1', find: needsAgentApi },
  { id: 'M2' },
  { id: 'M3' },
  { id: 'M4' },
  { id: 'M5', find: needsTrustedHosts },
  { id: 'M6' },
  { id: 'M7' },
  { id: 'M8' },
  { id: 'M9', find: needsResourceUrls },
  { id: 'M10' },
  { id: 'M11' },
  { id: 'R1', elsewhere: 'protect the MCP server: set resourceMetadata and scope in @sallyport/verify' },
]

/** The presets of `agents` in config.yml. */
export const PRESETS = { ucp: UCP, mcp: MCP } as const

/** Checks a configuration against the requirements of a preset. */
export function checkPreset(preset: keyof typeof PRESETS, config: Config): Finding[] {
  return PRESETS[preset].map(({ id, find, elsewhere }) => {
    const missing = find?.(config) ?? null
    if (missing !== null) return { id, state: 'missing', text: missing }
    return elsewhere === undefined
      ? { id, state: 'met', text: '' }
      : { id, state: 'elsewhere', text: elsewhere }
  })
}

/** The report of `npm run check` for each preset that config.yml turns on. */
export function describePresets(config: Config): { lines: string[]; isComplete: boolean } {
  const reports = presetsOf(config).map((preset) => ({ preset, findings: checkPreset(preset, config) }))
  return {
    lines: reports.flatMap(({ preset, findings }) => describe(preset, findings)),
    isComplete: reports.every(({ findings }) => findings.every(({ state }) => state !== 'missing')),
  }
}

/** The missing requirements of the presets, for `npm run deploy`, which refuses them. */
export function listMissingRequirements(config: Config): string[] {
  return presetsOf(config).flatMap((preset) =>
    checkPreset(preset, config).flatMap(({ id, state, text }) =>
      state === 'missing' ? [`config.yml: agents.${preset}: ${id} is missing: ${text}`] : [],
    ),
  )
}

function presetsOf({ agents }: Config): (keyof typeof PRESETS)[] {
  return (['ucp', 'mcp'] as const).filter((preset) => agents[preset])
}

function describe(preset: string, findings: readonly Finding[]): string[] {
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  const heading = `agents.${preset}: ${count('met')} requirements met, ${count('missing')} missing, ${count('elsewhere')} in clients and APIs (docs/agents.md)`
  const words = { missing: 'missing', elsewhere: 'to do', met: '' }
  const details = findings.filter(({ state }) => state !== 'met')
  return [heading, ...details.map(({ id, state, text }) => `  ${id} ${words[state]}: ${text}`)]
}
