import { parseArgs } from 'node:util'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import { CONSOLE_PATH } from '../src/console/console_path.ts'
import { INBOX_PATH } from '../src/mail/inbox_path.ts'
import { requireConfig } from './config_file.ts'
import { describeOperator } from './demo_data.ts'
import { endTogether, HOST, requireFreePort, startDevServer, untilReady } from './dev_server.ts'
import { recordServer } from './local_servers.ts'
import { writeManagementConfig } from './management_config.ts'
import { stop } from './stop.ts'
import { prepareTokenService, TOKEN_SERVICE } from './token_service.ts'
import { QUIET_WRANGLER } from './wrangler.ts'
import { requireWranglerToml } from './wrangler_toml.ts'

const port = readPort()
const config = requireConfig({ localPort: String(port) })
const origin = isLoopback(config.issuer) ? config.issuer : `http://${HOST}:${port}`
requireWranglerToml(config)
await requireFreePort(port, 'npm start -- --port N uses another')
console.log(
  `Sallyport starts on ${origin}: the secrets, the databases and the demo data, then the build of the Worker …`,
)
Object.assign(process.env, QUIET_WRANGLER)
recordServer('npm start')
await prepareTokenService(TOKEN_SERVICE, config)
const server = startDevServer({
  ...TOKEN_SERVICE,
  boundWorkers: [writeManagementConfig()],
  port,
  vars: { LOCAL_PORT: String(port), LOCAL_INBOX: 'true' },
  ...(isLoopback(config.issuer) ? {} : { appearsAt: config.issuer }),
})
endTogether([server])
await untilReady(`${origin}/health/ready`)
printWelcome(config)

function readPort(): number {
  try {
    const { values } = parseArgs({ options: { port: { type: 'string', default: '8787' } } })
    if (/^[1-9]\d{0,4}$/.test(values.port) && Number(values.port) < 65536) return Number(values.port)
  } catch {
    // An unknown option: the usage below lists the options.
  }
  return stop('usage: npm start [-- --port N], N from 1 to 65535')
}

function printWelcome({ issuer, adminApi, mail }: Config): void {
  const hasDemoData = isLoopback(issuer)
  console.log(`\nSallyport is ready on ${origin}`)
  if (hasDemoData) {
    console.log(`Get a first token:

  curl ${origin}/oauth2-token -H 'Content-Type: application/json' -d '{"grant_type":"password","client_id":"storefront-demo","client_secret":"storefront-demo-secret","username":"amanda@example.com","password":"correct horse battery staple"}'
`)
  } else console.log(`The issuer is ${issuer}, so there is no demo data.`)
  if (hasDemoData && mail !== null) console.log(`The mails: ${origin}${INBOX_PATH}`)
  if (adminApi === null) return
  console.log(`The console: ${origin}${CONSOLE_PATH}`)
  console.log(
    hasDemoData
      ? `${describeOperator()}\n`
      : 'Add an operator: stop this server, run npm run first-admin, and start again.\n',
  )
}
