import * as z from 'zod/mini'
import { isPublicHost } from '../lib/outbound_url.ts'
import { ASSERTION_AUDIENCES, type AssertionAudience } from '../oauth/client_authentication.ts'
import { across } from './across.ts'
import { ANY_HOST } from './any_host.ts'
import { areUnique, check, flag } from './checks.ts'
import { convert, type FileOf, keyWithDefault, mapping, optionalKey } from './key.ts'
import { isLoopback } from './origin.ts'

const NOT_A_HOST =
  'must be the name of one public host in lower case, such as claude.ai, without wildcard, port or path'

/** Whether a text is a loopback host in normal form, with or without a port. */
function isLocalHost(text: string): boolean {
  const url = `http://${text}/`
  return isLoopback(url) && new URL(url).host === text
}

/** Whether the URL of a document can have a host. */
function isHost(text: string): boolean {
  return isPublicHost(text) || isLocalHost(text)
}

const host = z.string('must be a host, such as claude.ai').check(z.refine(isHost, NOT_A_HOST))

const entry = z.union(
  [host, z.strictObject({ host, assertion_audience: z.enum(ASSERTION_AUDIENCES) })],
  'must be a host, or a mapping with host and assertion_audience',
)

const hosts = z
  .array(entry, 'must be a list of hosts, or any')
  .check(z.refine((entries) => areUnique(entries.map(hostOf)), 'must not list a host twice'))

type Entry = z.output<typeof entry>

/** A host whose documents can be client ids. */
export interface TrustedHost {
  host: string
  /** The `aud` of the assertions of its clients. */
  assertionAudience: AssertionAudience
}

function hostOf(file: Entry): string {
  return typeof file === 'string' ? file : file.host
}

function readEntry(file: Entry): TrustedHost {
  const assertionAudience = typeof file === 'string' ? 'issuer' : file.assertion_audience
  return { host: hostOf(file), assertionAudience }
}

const trustedHosts = convert(
  check(z.union([z.literal(ANY_HOST), hosts], 'must be a list of hosts, or any'), {
    bounds:
      'exact hosts, such as `claude.ai` or `{ host: claude.ai, assertion_audience: token_endpoint }`; or `any`',
    unit: 'list',
  }),
  (file) => (file === ANY_HOST ? file : file.map(readEntry)),
)

/** UCP lets a business list identity providers (`config.providers`), whose assertions the service does not accept. */
const ucp = check(z.boolean('must be true or false; identity providers are not offered'), {
  bounds: flag.bounds,
  unit: flag.unit ?? '',
})

const keysOfAgents = {
  ucp: keyWithDefault('ucp', {
    check: ucp,
    default: false,
    description:
      'Whether `npm run check` reports what the Universal Commerce Protocol needs ([agents.md](agents.md#presets)). Applications of `trusted_hosts` then also get the scopes that the user has allowed before',
  }),
  mcp: keyWithDefault('mcp', {
    check: flag,
    default: false,
    description:
      'Whether `npm run check` reports what the Model Context Protocol needs ([agents.md](agents.md#presets))',
  }),
  trustedHosts: keyWithDefault('trusted_hosts', {
    check: trustedHosts,
    default: [],
    description:
      'The hosts whose documents can be the client id of an application ([agent-clients.md](agent-clients.md)). With an empty list, only registered clients work. `assertion_audience` is the `aud` of their assertions ([client-authentication.md](client-authentication.md#assertions))',
  }),
  defaultApiName: optionalKey('default_api', {
    check: check(z.string('must be the name of an API'), { bounds: 'one of `apis` with `agents`' }),
    absent: 'none; `trusted_hosts` must then be empty',
    description: 'The API of such an application if its request names no `resource`',
  }),
}

export const agentKeys = {
  agents: keyWithDefault('agents', {
    check: mapping(keysOfAgents),
    default: {},
    description: 'Agents and platforms that are not registered',
  }),
}

type AgentsFile = FileOf<typeof agentKeys> & { issuer: string; apis: Record<string, { agents: boolean }> }

/** The rules of `agents`. */
export const agentRules = [
  across<AgentsFile>(
    ({ agents, apis }) => agents.default_api === undefined || apis[agents.default_api]?.agents === true,
    'agents.default_api',
    'must name one of apis that has agents',
  ),
  across<AgentsFile>(
    ({ agents }) => agents.default_api !== undefined || agents.trusted_hosts.length === 0,
    'agents.default_api',
    'is required with agents.trusted_hosts: set it to one of apis that has agents',
  ),
  across<AgentsFile>(
    ({ agents: { trusted_hosts: hosts }, issuer }) =>
      hosts === ANY_HOST || isLoopback(issuer) || !hosts.map(hostOf).some(isLocalHost),
    'agents.trusted_hosts',
    'must list a loopback host only if the issuer is a loopback address',
  ),
]
