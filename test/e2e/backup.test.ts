import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bundle } from '../../scripts/worker_bundle.ts'
import { makeTemporaryDirectory, type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { QUIET_WRANGLER } from '../../scripts/wrangler.ts'
import type { Env } from '../../src/services/environment.ts'
import { readCodeBlocks } from '../support/code_blocks.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { GUEST, revoke, signIn, type Tokens } from '../support/token_client.ts'

// Runs the drill of docs/backup.md on the D1 of wrangler: an export of the database, and a restore into an empty project.

const [drill] = readCodeBlocks('docs/backup.md').filter(
  ({ test }) => test?.file === 'test/e2e/backup.test.ts',
)

/** The tables that must survive. Audit events are written after the response, so their number varies. */
const TABLES = ['clients', 'client_secrets', 'users', 'sessions', 'cutoffs', 'signing_keys']

const project = makeTemporaryDirectory()
const sealingKey = randomBytes(32).toString('base64url')
let bundle: Bundle
let service: ServiceServer
let port: number
let before: { tokens: Tokens; rows: number[]; kids: string[]; sequence: unknown }

beforeAll(async () => {
  cpSync('wrangler.toml', join(project, 'wrangler.toml'))
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'))
  bundle = await serviceBundle()
  service = await startService(bundle, { stateDirectory: stateOf(project), sealingKey })
  port = Number(new URL(service.origin).port)
  const tokens = await refresh((await signIn(service.origin)).refresh_token)
  await revoke(service.origin, (await signIn(service.origin)).refresh_token)
  before = { tokens, ...(await describeService()) }
  await service.close()
  const env = { ...process.env, ...QUIET_WRANGLER }
  await promisify(execFile)('bash', ['-e', '-c', drill?.text ?? 'false'], { cwd: project, env })
})

afterAll(() => service.close())

/** The directory in which wrangler keeps the local stores of a project. */
function stateOf(folder: string): string {
  return join(folder, '.wrangler', 'state', 'v3')
}

/** Starts the service on the restored database, with an empty KV. */
async function startRestored(key: string): Promise<void> {
  const stateDirectory = stateOf(join(project, 'restored'))
  service = await startService(bundle, { port, stateDirectory, sealingKey: key })
}

function post(form: Record<string, string>): Promise<Response> {
  return fetch(`${service.origin}/oauth2-token`, { method: 'POST', body: new URLSearchParams(form) })
}

async function refresh(token: string): Promise<Tokens> {
  const client = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
  const response = await post({ grant_type: 'refresh_token', refresh_token: token, ...client })
  expect(response.status).toBe(200)
  return (await response.json()) as Tokens
}

async function describeService() {
  const feed = await (await fetch(`${service.origin}/revocations`)).text()
  const jwks = (await (await fetch(`${service.origin}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[]
  }
  return {
    rows: await Promise.all(TABLES.map((table) => countRows(service.stores, table))),
    kids: jwks.keys.map(({ kid }) => kid),
    sequence: decodeJwt(feed).sequence,
  }
}

async function countRows({ DB }: Env, table: string): Promise<number> {
  const row = await DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<{ n: number }>()
  return row?.n ?? 0
}

describe('the drill of docs/backup.md', () => {
  it('a restored database has every row, signing key and revocation, and live tokens stay valid', async () => {
    await startRestored(sealingKey)
    expect(await describeService()).toEqual({
      rows: before.rows,
      kids: before.kids,
      sequence: before.sequence,
    })
    const keys = createRemoteJWKSet(new URL(`${service.origin}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(before.tokens.access_token, keys)
    const next = await refresh(before.tokens.refresh_token)
    expect(decodeJwt(next.access_token)).toMatchObject({ sid: payload.sid, sub: payload.sub })
    expect(decodeJwt(next.refresh_token).seq).toBe(2)
    await service.close()
  })

  it('a database that is restored without its SEALING_KEY issues no token, and readiness names the signing keys', async () => {
    await startRestored(randomBytes(32).toString('base64url'))
    const guest = await post({ grant_type: 'password', ...GUEST })
    expect(guest.status).toBe(500)
    expect(await guest.json()).toMatchObject({ error: 'server_error' })
    const ready = await fetch(`${service.origin}/health/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ status: 'unavailable', failing: ['signing_keys'] })
  })
})
