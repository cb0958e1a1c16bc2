import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { bundleWorker } from '../../scripts/worker_bundle.ts'
import { startWorker, type WorkerServer } from '../../scripts/worker_server.ts'
import { readCodeBlocks } from '../support/code_blocks.ts'
import { Consumer } from '../support/consumer.ts'
import { RealServers } from '../support/real_servers.ts'
import { GUEST, requestTokens, revoke, STAFF, signIn, statusAt } from '../support/token_client.ts'

const run = promisify(execFile)

const USE = `
  import { createVerifier, TokenError } from '@sallyport/verify'
  import { createTestIssuer } from '@sallyport/verify/testing'
  const issuer = await createTestIssuer()
  const audience = 'https://shop.test/api'
  const verifier = createVerifier({ issuer: issuer.url, audience, fetch: issuer.fetch })
  const { subject } = await verifier.verify(await issuer.mint({ audience, subject: 'user:1' }))
  const refusal = await verifier.verify('garbage').catch((error) => error)
  console.log(JSON.stringify([subject, refusal instanceof TokenError, refusal.code]))
`

const PACKAGES = ['packages/verify', 'packages/client', 'packages/cli']

const VERIFYING = 'docs/verifying.md'

const consumer = new Consumer()

beforeAll(async () => {
  await run('npm', ['run', 'build'])
  await consumer.install('node_modules/jose', ...PACKAGES)
})

afterAll(() => consumer.remove())

const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** The paths of all files in a packed package. */
async function pathsIn(folder: string): Promise<string[]> {
  const { stdout } = await run('npm', ['pack', resolve(folder), '--dry-run', '--json', '--ignore-scripts'])
  const [{ files }] = Object.values(JSON.parse(stdout)) as [{ files: { path: string }[] }]
  return files.map((file) => file.path)
}

describe.each(PACKAGES)('the package in %s', (folder) => {
  it('the package contains only its build, its manifest, its README and the licence', async () => {
    const paths = await pathsIn(folder)
    expect(paths).toContain(folder === 'packages/cli' ? 'dist/sallyport.js' : 'dist/index.d.ts')
    expect(paths.filter((path) => !/^(?:dist|bin)\//.test(path)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
    ])
  })

  it('the package has the licence of the project', () => {
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync('LICENSE', 'utf8'))
  })

  it('the package passes the checks of publint and Are the types wrong?', async () => {
    const tarball = await consumer.pack(folder)
    const bin = (name: string) => resolve('node_modules/.bin', name)
    const publint = await run(bin('publint'), ['run', tarball, '--strict'], { cwd: consumer.directory })
    expect(publint.stdout).toContain('All good!')
    // All packages are ES modules, and `attw` exits with 1 if it finds a problem.
    await run(bin('attw'), [tarball, '--profile', 'esm-only'], { cwd: consumer.directory })
  })
})

describe('the package sallyport', () => {
  it('the package sallyport has a program that prints its help without a network', async () => {
    const { stdout } = await run(join(consumer.directory, 'node_modules/.bin/sallyport'), ['--help'])
    expect(stdout).toMatch(/^sallyport: /)
  })

  it('npx runs the package sallyport in this repository', async () => {
    const npx = await run('npx', ['sallyport', 'config', 'check'], {
      env: { ...process.env, npm_config_offline: 'true' },
    })
    expect(npx.stdout).toMatch(/^config\.yml is valid: /)
  })

  it('the package sallyport has no dependencies', () => {
    expect(readManifest('packages/cli').dependencies).toBeUndefined()
  })
})

describe('the package @sallyport/client', () => {
  it('the package @sallyport/client is one file without imports, under 5.5 kB gzipped', () => {
    const client = readFileSync('packages/client/dist/index.js')
    expect(client.toString()).not.toMatch(/\b(?:import|require)\s*\(|\bfrom\s*['"]/)
    expect(gzipSync(client).length).toBeLessThan(5500)
  })

  it('the package @sallyport/client is built for the browsers that docs/client.md lists', () => {
    const [, targets = ''] = /--target=(\S+)/.exec(readManifest('packages/client').scripts.build) ?? []
    const [, browsers = ''] =
      /## Supported browsers\s+(.*?), and later/s.exec(readFileSync('docs/client.md', 'utf8')) ?? []
    const listed = browsers.split(/, | and /).map((browser) => browser.toLowerCase().replace(' ', ''))
    expect(listed).toEqual(targets.split(','))
  })

  it('the package @sallyport/client exports the client to an installed project', async () => {
    const printed = await consumer.run(
      "import * as client from '@sallyport/client'; console.log(Object.keys(client).sort().join())",
    )
    expect(printed.trim()).toBe('Client,TokenRequestError,createClient,isGuest,readClaims,readStepUp')
  })
})

describe('the package @sallyport/verify', () => {
  it('the package @sallyport/verify installs jose and no other package, and works by the names of its exports', async () => {
    expect(consumer.installed()).toEqual(['@sallyport', 'jose', 'sallyport'])
    expect(JSON.parse(await consumer.run(USE))).toEqual(['user:1', true, 'invalid_token'])
  })

  it('the package @sallyport/verify declares jose as its one dependency, and Hono as an optional peer', () => {
    const manifest = readManifest('packages/verify')
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

/** The JavaScript example of a page that has this text, for another issuer. */
function readExample(page: string, part: string, issuer: string): string {
  const example = readCodeBlocks(page).find(({ language, text }) => language === 'js' && text.includes(part))
  if (example === undefined) throw new Error(`${page} has no example with ${part}`)
  return example.text
    .replaceAll('http://localhost:8787', issuer)
    .replaceAll('https://id.shop.example', issuer)
    .replaceAll('https://shop.example/api', `${issuer}/storefront`)
}

async function startTenLines(page: string, issuer: string): Promise<WorkerServer> {
  consumer.write('worker.js', readExample(page, "from 'hono'", issuer))
  consumer.write('wrangler.toml', WRANGLER_TOML)
  const configPath = join(consumer.directory, 'wrangler.toml')
  const bundle = await bundleWorker(join(consumer.directory, 'dist'), '--config', configPath)
  return startWorker(bundle, configPath)
}

describe('a new Worker that is written in ten lines', () => {
  let servers: RealServers

  beforeAll(async () => {
    await consumer.install('node_modules/hono')
    servers = await RealServers.start()
  })

  afterAll(() => servers.close())

  it.each(['docs/verifying.md', 'README.md'])(
    'a new Worker that is written in ten lines refuses the wrong tokens (%s)',
    async (page) => {
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
    },
  )

  it('an API without Hono gives the documented statuses (docs/verifying.md)', async () => {
    const { issuer } = servers.service.config
    const { access_token, refresh_token } = await signIn(issuer)
    const statuses = await consumer.run(`
      ${readExample(VERIFYING, 'export async function handle', issuer)}
      const statusOf = async (token) =>
        (await handle(new Request('http://api/', { headers: { Authorization: 'Bearer ' + token } }))).status
      console.log(await statusOf('${access_token}'), await statusOf('${refresh_token}'))
    `)
    expect(statuses).toBe('200 401\n')
  })

  it('an API with jose only refuses a token after its revocation (docs/verifying.md)', async () => {
    const { issuer } = servers.service.config
    const { access_token, refresh_token } = await signIn(issuer)
    await revoke(issuer, access_token)
    const { access_token: liveToken } = await signIn(issuer)
    const output = await consumer.run(`
      ${readExample(VERIFYING, 'export async function verifyAccessToken', issuer)}
      ${readExample(VERIFYING, 'export async function readRevocations', issuer)}
      const revoked = await verifyAccessToken('${access_token}')
      const live = await verifyAccessToken('${liveToken}')
      const refusal = await verifyAccessToken('${refresh_token}').catch(({ code }) => code)
      for (let i = 0; i < 60 && !isRevoked(revoked); i++) {
        await new Promise((done) => setTimeout(done, 250))
        await readRevocations()
      }
      console.log(isRevoked(revoked), isRevoked(live), refusal)
      process.exit()
    `)
    expect(output).toBe('true false ERR_JWT_CLAIM_VALIDATION_FAILED\n')
  })

  it('the test of an API mints and revokes tokens in memory (docs/verifying.md)', async () => {
    const output = await consumer.run(`
      ${readExample(VERIFYING, 'createTestIssuer', 'https://id.shop.example')}
      console.log(await verifier.verify(token).catch(({ code }) => code))
    `)
    expect(output).toBe('invalid_token\n')
  })
})
