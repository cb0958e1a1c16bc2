import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { bundleWorker } from '../../scripts/worker_bundle.ts'
import { startWorker, type WorkerServer } from '../../scripts/worker_server.ts'
import { Consumer } from '../support/consumer.ts'
import { RealServers } from '../support/real_servers.ts'
import { GUEST, requestTokens, STAFF, signIn, statusAt } from '../support/token_client.ts'

const run = promisify(execFile)

const USE = `
  import { createVerifier, TokenError } from 'sallyport/verify'
  import { createTestIssuer } from 'sallyport/verify/testing'
  const issuer = await createTestIssuer()
  const audience = 'https://shop.test/api'
  const verifier = createVerifier({ issuer: issuer.url, audience, fetch: issuer.fetch })
  const { subject } = await verifier.verify(await issuer.mint({ audience, subject: 'user:1' }))
  const refusal = await verifier.verify('garbage').catch((error) => error)
  console.log(JSON.stringify([subject, refusal instanceof TokenError, refusal.code]))
`

const consumer = new Consumer()

beforeAll(async () => {
  await run('npm', ['run', 'build'])
  await consumer.install('node_modules/jose', '.')
})

afterAll(() => consumer.remove())

describe('the package', () => {
  it('has a command line that is a program, and says what it can without a network', async () => {
    const { stdout } = await run(resolve('dist/cli/sallyport.js'), ['--help'])
    expect(stdout).toMatch(/^sallyport: /)
    const npx = await run('npx', ['sallyport', 'config', 'check'], {
      env: { ...process.env, npm_config_offline: 'true' },
    })
    expect(npx.stdout).toMatch(/^config\.yml is good: /)
  })

  it('has a client of one file, under 3 kB gzipped', () => {
    const client = readFileSync('dist/client/index.js')
    expect(client.toString()).not.toMatch(/\b(?:import|require)\s*\(|\bfrom\s*['"]/)
    expect(gzipSync(client).length).toBeLessThan(3000)
  })

  it('is built for the browsers that docs/client.md lists', () => {
    const [, targets = ''] =
      /--target=(\S+) --outfile=dist\/client/.exec(readFileSync('package.json', 'utf8')) ?? []
    const [, browsers = ''] =
      /## Supported browsers\s+(.*?), and later/s.exec(readFileSync('docs/client.md', 'utf8')) ?? []
    const listed = browsers.split(/, | and /).map((browser) => browser.toLowerCase().replace(' ', ''))
    expect(listed).toEqual(targets.split(','))
  })

  it('holds the verifier and the client with their types and the command line, and nothing of the server', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'])
    const [{ files }] = Object.values(JSON.parse(stdout)) as [{ files: { path: string }[] }]
    const paths = files.map((file) => file.path)
    expect(paths).toContain('dist/verify/index.js')
    expect(paths).toContain('dist/verify/index.d.ts')
    expect(paths).toContain('dist/client/index.js')
    expect(paths).toContain('dist/client/index.d.ts')
    expect(paths).toContain('dist/cli/sallyport.js')
    expect(paths.filter((path) => !/^dist\/(?:verify|client|cli)\//.test(path)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
    ])
  })

  it('brings jose along and nothing else, and works by the names of its exports', async () => {
    expect(consumer.installed()).toEqual(['jose', 'sallyport'])
    expect(JSON.parse(await consumer.run(USE))).toEqual(['user:1', true, 'invalid_token'])
  })

  it('names jose as its one dependency, and Hono as what an API may have', () => {
    const manifest = JSON.parse(
      readFileSync(join(consumer.directory, 'node_modules/sallyport/package.json'), 'utf8'),
    )
    expect(Object.keys(manifest.dependencies)).toEqual(['jose'])
    expect(manifest.optionalDependencies).toBeUndefined()
    expect(manifest.peerDependencies).toEqual({ hono: '^4.0.0' })
    expect(manifest.peerDependenciesMeta).toEqual({ hono: { optional: true } })
  })
})

const WRANGLER_TOML = `name = "shop-api"
main = "worker.js"
compatibility_date = "2026-10-30"
`

/** The first example of a page that has Hono in it, for another issuer. */
function readTenLines(page: string, issuer: string): string {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/```js\n(.*?)```/gs)].map(([, block = '']) => block)
  const lines = blocks.find((block) => block.includes("from 'hono'"))
  if (lines === undefined) throw new Error(`${page} has no example for Hono`)
  return lines.replace('http://127.0.0.1:8787', issuer)
}

async function startTenLines(page: string, issuer: string): Promise<WorkerServer> {
  consumer.write('worker.js', readTenLines(page, issuer))
  consumer.write('wrangler.toml', WRANGLER_TOML)
  const configPath = join(consumer.directory, 'wrangler.toml')
  const bundle = await bundleWorker(join(consumer.directory, 'dist'), '--config', configPath)
  return startWorker(bundle, configPath)
}

describe('the ten lines, in a new Worker', () => {
  let servers: RealServers

  beforeAll(async () => {
    await consumer.install('node_modules/hono')
    servers = await RealServers.start()
  })

  afterAll(() => servers.close())

  it.each(['docs/verifying.md', 'README.md'])('of %s refuse the wrong tokens', async (page) => {
    const { issuer } = servers.service.config
    const api = await startTenLines(page, issuer)
    onTestFinished(() => api.close())
    const [customer, staff, guest] = await Promise.all([
      signIn(issuer),
      requestTokens(issuer, STAFF),
      requestTokens(issuer, { ...GUEST, scope: 'catalog' }),
    ])
    const status = (token: string | null) => statusAt(`${api.origin}/cart`, token)
    expect({
      nobody: await status(null),
      customer: await status(customer.access_token),
      'a token of the back office': await status(staff.access_token),
      'a guest without the scope': await status(guest.access_token),
      'a refresh token': await status(customer.refresh_token),
    }).toEqual({
      nobody: 401,
      customer: 200,
      'a token of the back office': 401,
      'a guest without the scope': 403,
      'a refresh token': 401,
    })
  })
})
