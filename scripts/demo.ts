import { copyFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isLoopback } from '../src/config/origin.ts'
import { CONSOLE_PATH } from '../src/console/console_path.ts'
import { INBOX_PATH } from '../src/mail/inbox_path.ts'
import { requireConfig } from './config_file.ts'
import {
  BROWSER_GRANTS,
  describeOperator,
  PARTNER_CLIENT,
  STOREFRONT_SCOPES,
  UCP_API_CLIENT,
  UCP_PLATFORM_CLIENT,
} from './demo_data.ts'
import { endTogether, HOST, requireFreePort, startDevServer, untilReady } from './dev_server.ts'
import { recordServer } from './local_servers.ts'
import { LOCAL_STATE, migrate, withLocalStores } from './local_stores.ts'
import { writeManagementConfig } from './management_config.ts'
import { stop } from './stop.ts'
import { prepareTokenService } from './token_service.ts'
import { QUIET_WRANGLER } from './wrangler.ts'

// Runs a shop on this machine: the token service, two APIs that verify its tokens, the page, and an MCP server for agents, each on its own port.

/** A short lifetime, so that a reader sees a token expire. In production an access token lives for one hour. */
const ACCESS_TOKEN_SECONDS = 120

/** The server of the shop has it. It is public, as all secrets of the demo are. */
const SHOP_SECRET = 'shop-demo-secret'

const SERVICES = ['token-service', 'storefront-api', 'backoffice-api', 'shop', 'mcp-server'] as const
type Service = (typeof SERVICES)[number]

const { port, state, isDefaultState } = readArguments()
const ports = Object.fromEntries(SERVICES.map((name, i) => [name, port + i])) as Record<Service, number>
const config = requireConfig({ localPort: String(port) })
if (!isLoopback(config.issuer)) stop(`the demo is for a loopback issuer, not for ${config.issuer}`)
for (const name of SERVICES) await requireFreePort(ports[name], 'npm run demo -- --port N uses N to N+4')
Object.assign(process.env, QUIET_WRANGLER)
// `npm run build` makes this file.
copyFileSync('packages/client/dist/index.js', 'examples/shop/public/sallyport_client.js')
recordServer('npm run demo')
/** The URL to which an agent connects. It is the audience of its tokens. */
const MCP_URL = `${originOf('mcp-server')}/mcp`
/** The shop's server serves the partner app under another host, which is another site for a browser. */
const partnerOrigin = `http://127.0.0.1:${ports.shop}`
/** The page that plays a UCP platform. */
const UCP_PLATFORM = `${partnerOrigin}/ucp-platform/`
/** The UCP operations of the storefront API. It is the audience of the tokens of the platform. */
const UCP_URL = `${originOf('storefront-api')}/ucp`
await prepareTokenService(worker('token-service'), config, [
  {
    id: 'shop-demo',
    name: 'Slow Pour shop',
    secret: SHOP_SECRET,
    api: 'storefront',
    grants: ['password', ...BROWSER_GRANTS],
    scopes: STOREFRONT_SCOPES,
    origins: [originOf('shop')],
    redirectUris: [`${originOf('shop')}/`],
    postLogoutRedirectUris: [`${originOf('shop')}/`],
    isFirstParty: true,
    accessTokenLifetimeSeconds: ACCESS_TOKEN_SECONDS,
  },
  {
    ...PARTNER_CLIENT,
    origins: [partnerOrigin],
    redirectUris: [...PARTNER_CLIENT.redirectUris, `${partnerOrigin}/`],
  },
  { ...UCP_PLATFORM_CLIENT, origins: [partnerOrigin], redirectUris: [UCP_PLATFORM] },
  UCP_API_CLIENT,
])
for (const name of ['storefront-api', 'backoffice-api'] as const) {
  await withLocalStores(worker(name), ({ DB }: { DB: D1Database }) =>
    migrate(DB, join('examples', name, 'migrations')),
  )
}
await serve()
console.log(`
The shop is open: ${originOf('shop')}

  partner app      ${partnerOrigin}
  UCP platform     ${UCP_PLATFORM}
  token service    ${originOf('token-service')}
  storefront API   ${originOf('storefront-api')}
  back-office API  ${originOf('backoffice-api')}
  MCP server       ${MCP_URL}
  console          ${originOf('token-service')}${CONSOLE_PATH}
  mails            ${originOf('token-service')}${INBOX_PATH}

${describeAgents()}

${describeOperator()}
Sign in to the shop as amanda@example.com with the password: correct horse battery staple
Ctrl+C stops all five servers. ${howToReset()}
`)

function readArguments(): { port: number; state: string; isDefaultState: boolean } {
  const usage = 'usage: npm run demo [-- --port N] [--state DIRECTORY]: the services take the ports N to N+4'
  try {
    const { values } = parseArgs({
      options: { port: { type: 'string', default: '8787' }, state: { type: 'string' } },
    })
    const port = Number(values.port)
    // The addresses contain the port, so stored data is useless under another port.
    const state = values.state ?? join(LOCAL_STATE, 'demo', values.port)
    const isDefaultState = values.state === undefined
    if (/^[1-9]\d{0,4}$/.test(values.port) && port + SERVICES.length <= 65536)
      return { port, state, isDefaultState }
  } catch {
    // An unknown option: the usage lists the options.
  }
  return stop(usage)
}

/** How to connect AI agents to the MCP server. Agents in the cloud cannot reach this machine. */
function describeAgents(): string {
  return `Connect an AI agent to the MCP server. Its client id is demo-agent, without a secret:
  Claude Code      claude mcp add --transport http --client-id demo-agent slow-pour ${MCP_URL}
                   then claude mcp login slow-pour, or /mcp in Claude Code
  MCP inspector    npx @modelcontextprotocol/inspector@2, with the transport Streamable HTTP (Node 22.19 or newer)
  Claude, ChatGPT  in the cloud they cannot reach localhost: docs/agents.md describes a deployment`
}

/** Explains how to remove the data of the demo. `npm run reset` removes only the default directory. */
function howToReset(): string {
  return isDefaultState ? 'Then npm run reset removes their data.' : `Their data stays in ${state}.`
}

function originOf(name: Service): string {
  return `http://${HOST}:${ports[name]}`
}

function worker(name: Service) {
  const directory = name === 'token-service' ? '.' : join('examples', name)
  // The MCP server uses the database of the storefront API.
  const owner = name === 'mcp-server' ? 'storefront-api' : name
  return { configPath: join(directory, 'wrangler.toml'), statePath: resolve(state, owner) }
}

async function serve(): Promise<void> {
  const issuer = originOf('token-service')
  const audienceOf = (api: string) => config.apis.get(api)?.audience ?? stop(`config.yml has no API "${api}"`)
  const common = { ISSUER: issuer, SHOP_ORIGIN: originOf('shop') }
  const vars: Record<Service, Record<string, string>> = {
    'token-service': {
      LOCAL_PORT: String(port),
      LOCAL_AUDIENCES: `mcp=${MCP_URL} ucp=${UCP_URL}`,
      LOCAL_INBOX: 'true',
    },
    'storefront-api': {
      ...common,
      ORIGIN: originOf('storefront-api'),
      PARTNER_ORIGIN: partnerOrigin,
      AUDIENCE: audienceOf('storefront'),
      UCP_AUDIENCE: UCP_URL,
      UCP_CLIENT_ID: UCP_API_CLIENT.id,
      UCP_CLIENT_SECRET: UCP_API_CLIENT.secret,
    },
    'backoffice-api': { ...common, AUDIENCE: audienceOf('backoffice') },
    shop: {
      ISSUER: issuer,
      STOREFRONT_API: originOf('storefront-api'),
      BACKOFFICE_API: originOf('backoffice-api'),
      CLIENT_SECRET: SHOP_SECRET,
    },
    'mcp-server': { ISSUER: issuer, AUDIENCE: MCP_URL },
  }
  const readyPaths: Partial<Record<Service, string>> = {
    'token-service': '/health/ready',
  }
  const servers = SERVICES.map((name) =>
    startDevServer({
      ...worker(name),
      boundWorkers: name === 'token-service' ? [writeManagementConfig()] : [],
      port: ports[name],
      vars: vars[name],
      isQuiet: true,
    }),
  )
  endTogether(servers)
  for (const name of SERVICES) await untilReady(originOf(name) + (readyPaths[name] ?? '/'))
}
