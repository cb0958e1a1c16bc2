import { parseArgs } from 'node:util'
import { type Client, decodeClient } from '../src/clients/client.ts'
import { generateClientSecret, hashClientSecret } from '../src/clients/client_secret.ts'
import { ClientTableStore } from '../src/clients/client_table_store.ts'
import { findOriginProblem } from '../src/config/origin.ts'
import { systemClock } from '../src/lib/clock.ts'
import { requireConfig } from './config_file.ts'
import { sqlPrinter } from './sql_printer.ts'

const USAGE = `usage: npm run --silent new-client -- --id ID --api API --grants LIST [--scopes LIST] [--origins LIST]
         [--name NAME] [--public] > client.sql
  Lists are separated by commas. Grants: password, client_credentials.
  The SQL goes to stdout; the secret, which is stored nowhere, to stderr.`

const config = requireConfig()
const { client, secret } = await readClient()
await new ClientTableStore(sqlPrinter()).add(client)
console.error(secret === null ? `${client.id} is public: it has no secret` : `client_secret: ${secret}`)

async function readClient(): Promise<{ client: Client; secret: string | null }> {
  const values = readArguments()
  const now = systemClock.now()
  const secret = values.public ? null : generateClientSecret()
  const secrets =
    secret === null ? [] : [{ hash: await hashClientSecret(secret), createdAt: now, expiresAt: null }]
  const draft = {
    id: values.id,
    name: values.name ?? values.id,
    api: values.api,
    grants: splitList(values.grants),
    scopes: splitList(values.scopes),
    origins: splitList(values.origins),
    confidential: !values.public,
    enabled: true,
    secrets,
    createdAt: now,
    accessTokenLifetimeSeconds: null,
    refreshTokenLifetimeSeconds: null,
    accessValidFrom: 0,
  }
  return { client: check(draft), secret }
}

function readArguments() {
  const text = { type: 'string' } as const
  try {
    const { values } = parseArgs({
      options: {
        id: text,
        name: text,
        api: text,
        grants: text,
        scopes: text,
        origins: text,
        public: { type: 'boolean' },
      },
    })
    return values
  } catch {
    return stop(USAGE)
  }
}

function check(draft: Record<string, unknown>): Client {
  let client: Client
  try {
    client = decodeClient(String(draft.id), draft)
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : error}\n${USAGE}`)
  }
  const api = config.apis.get(client.api) ?? stop(`config.yml has no API "${client.api}"`)
  const foreign = client.scopes.filter((scope) => !api.scopes.includes(scope))
  if (foreign.length > 0) stop(`not scopes of the API "${api.name}": ${foreign.join(', ')}`)
  for (const origin of client.origins) {
    const problem = findOriginProblem(origin)
    if (problem !== null) stop(`--origins: ${origin} ${problem}`)
  }
  if (!client.confidential && client.grants.includes('client_credentials')) {
    stop('a public client may not use client_credentials (RFC 6749 §4.4)')
  }
  if (client.grants.length === 0) stop(`--grants is missing\n${USAGE}`)
  return client
}

function splitList(text = ''): string[] {
  return text.split(',').filter((item) => item !== '')
}

function stop(message: string): never {
  console.error(message)
  process.exit(1)
}
