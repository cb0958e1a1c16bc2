import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { unstable_readConfig as readWranglerConfig } from 'wrangler'
import { parse, stringify } from 'yaml'
import { seedDemoData } from '../../scripts/demo_data.ts'
import { listServers } from '../../scripts/local_servers.ts'
import { QUIET_WRANGLER } from '../../scripts/wrangler.ts'
import { parseConfig } from '../../src/config/parse_config.ts'
import type { Env } from '../../src/services/environment.ts'

interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** A checkout with a changed config.yml. */
function checkout(change: (config: string) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
  for (const name of [
    'assets',
    'src',
    'scripts',
    'packages/cli/src',
    'packages/verify/src',
    'migrations',
    'package.json',
    'wrangler.toml',
  ]) {
    cpSync(name, join(folder, name), { recursive: true })
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'config.yml'), change(readFileSync('config.yml', 'utf8')))
  return folder
}

async function runScript(folder: string, name: string, ...parameters: string[]): Promise<Ended> {
  const run = promisify(execFile)(process.execPath, [`scripts/${name}.ts`, ...parameters], { cwd: folder })
  run.child.stdin?.end('a password\n')
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ended) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  )
}

const PROBLEMS = `config.yml:
  errors: must be one of rfc6749, oro
  audit_retension_days: is not a known key (line LINE); did you mean "audit_retention_days"?
`

describe('an invalid config.yml', () => {
  it.each([['start'], ['check'], ['deploy', '--dry-run'], ['deploy']])(
    'an invalid config.yml stops %s with only the list of its problems',
    async (name, ...parameters) => {
      const before = readFileSync('config.yml', 'utf8').split('errors: rfc6749')[0] ?? ''
      const typo = 'errors: loud\naudit_retension_days: 90'
      const folder = checkout((config) => config.replace('errors: rfc6749', typo))
      const stderr = PROBLEMS.replace('LINE', String(before.split('\n').length + 1))
      expect(await runScript(folder, name, ...parameters)).toEqual({ code: 1, stdout: '', stderr })
    },
  )

  it('stops npm start with one sentence if it is missing or has another encoding', async () => {
    const folder = checkout(String)
    const utf16 = Buffer.from(`\ufeff${readFileSync('config.yml', 'utf8')}`, 'utf16le')
    writeFileSync(join(folder, 'config.yml'), utf16)
    expect(await runScript(folder, 'start')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'config.yml:\n  (file): is not UTF-8 text. Save the file as UTF-8\n',
    })
    rmSync(join(folder, 'config.yml'))
    expect(await runScript(folder, 'start')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'config.yml is missing in this directory. docs/configuration.md describes the file.\n',
    })
  })
})

describe('different budgets in config.yml and wrangler.toml', () => {
  it.each([['start'], ['check'], ['deploy', '--dry-run'], ['deploy']])(
    'different budgets in config.yml and wrangler.toml stop %s with both numbers',
    async (name, ...parameters) => {
      const folder = checkout((config) => config.replace('guests: 600', 'guests: 300'))
      const toml = readFileSync('wrangler.toml', 'utf8')
        .replace('limit = 60, period = 60', 'limit = 60, period = 10')
        .replace('"SIGN_IN_LIMIT"', '"ANOTHER_LIMIT"')
      writeFileSync(join(folder, 'wrangler.toml'), toml)
      expect(await runScript(folder, name, ...parameters)).toEqual({
        code: 1,
        stdout: '',
        stderr: `config.yml and wrangler.toml differ:
  burst_limits.sign_ins: SIGN_IN_LIMIT is missing, must be limit = 20, period = 60
  burst_limits.guesses: GUESS_LIMIT is limit = 60, period = 10, must be limit = 60, period = 60
  burst_limits.guests: GUEST_LIMIT is limit = 600, period = 60, must be limit = 300, period = 60
`,
      })
    },
  )
})

describe('a script of package.json', () => {
  const loaded = (folder: string, name: string, output: 'pipe' | number) =>
    spawnSync(process.execPath, ['--import', './scripts/require_node.js', `scripts/${name}.ts`], {
      cwd: folder,
      stdio: ['ignore', output, 'pipe'],
      encoding: 'utf8',
    })

  it('names npm ci if the development tools are not installed', () => {
    const folder = checkout(String)
    rmSync(join(folder, 'node_modules'))
    expect(loaded(folder, 'start', 'pipe')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'The development tools are not installed. Run npm ci, without --omit=dev.\n',
    })
  })

  it('the command line and npm test name npm ci if the development tools are not installed', () => {
    const folder = checkout(String)
    rmSync(join(folder, 'node_modules'))
    const bin = join(folder, 'sallyport', 'bin')
    cpSync('packages/cli/bin', bin, { recursive: true })
    const run = (file: string, ...parameters: string[]) =>
      spawnSync(file, parameters, { cwd: folder, encoding: 'utf8' })
    expect(run(process.execPath, join(bin, 'sallyport.js'), '--version')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'sallyport is not built. Run npm ci, without --omit=dev.\n',
    })
    expect(run('npm', '--silent', 'test')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'The development tools are not installed. Run npm ci, without --omit=dev.\n',
    })
  })

  it.skipIf(!existsSync('/dev/full'))('fails if its output is lost, and so does the command line', () => {
    expect(loaded(resolve('.'), 'check', openSync('/dev/full', 'w'))).toMatchObject({
      status: 1,
      stderr: 'The output is incomplete: standard output failed with ENOSPC.\n',
    })
    const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const
    const cli = spawnSync(process.execPath, ['packages/cli/bin/sallyport.js', '--help'], {
      stdio: [...stdio],
      encoding: 'utf8',
    })
    expect(cli).toMatchObject({
      status: 1,
      stderr: 'sallyport: The output is incomplete: standard output failed with ENOSPC.\n',
    })
  })
})

describe('an install', () => {
  it('an install without the development tools succeeds and builds nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
    const script = resolve('scripts/prepare.js')
    expect(await promisify(execFile)(process.execPath, [script], { cwd: folder })).toEqual({
      stdout: 'Not built: the development tools are not installed. `npm ci` installs them.\n',
      stderr: '',
    })
  })
})

describe('npm run deploy', () => {
  const LOCAL_SETTINGS = `  config.yml: issuer: is a loopback address
  config.yml: apis.storefront.audience: is a loopback address
  config.yml: apis.backoffice.audience: is a loopback address
  config.yml: apis.admin.audience: is a loopback address
  config.yml: apis.mcp.audience: is a loopback address
  config.yml: apis.ucp.audience: is a loopback address
  wrangler.toml: d1_databases: database_id: put the id that \`npx wrangler d1 create sallyport\` prints
  config.yml: mail.from.address: is an address of example.com
  wrangler.toml: kv_namespaces: id: put the id that \`npx wrangler kv namespace create sallyport\` prints
`

  it('npm run deploy refuses settings for local development', async () => {
    const { code, stderr } = await runScript(checkout(String), 'deploy')
    expect(code).toBe(1)
    expect(stderr).toBe(`Not deployed:\n${LOCAL_SETTINGS}`)
  })

  it('npm run deploy -- --dry-run succeeds with a warning that lists the settings that a deployment will refuse', async () => {
    const { code, stderr } = await runScript(checkout(String), 'deploy', '--dry-run')
    expect(code).toBe(0)
    expect(stderr).toContain(`Warning: npm run deploy will refuse these settings:\n${LOCAL_SETTINGS}`)
  })
})

/** What the fake wrangler does: it reports success, and writes its parameters to wrangler.log. */
const FAKE_WRANGLER = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs')
const parameters = process.argv.slice(2)
appendFileSync('wrangler.log', parameters.slice(0, 4).join(' ') + '\\n')
const sql = parameters.at(-1)
if (sql.includes('clients')) appendFileSync('clients.sql', sql + '\\n')
const file = sql.includes('d1_migrations') ? 'applied.json' : sql.includes('passkeys') ? 'passkeys.json' : 'none'
if (parameters[1] === 'execute') console.log(existsSync(file) ? readFileSync(file, 'utf8') : '[{"results":[]}]')
if (parameters[0] === 'deployments' && existsSync('no_management')) process.exit(1)
if (parameters[0] === 'queues' && existsSync('no_queue')) {
  console.error('Queue does not exist')
  process.exit(1)
}
`

/** The demo config.yml with another issuer. */
function atIssuer(config: string, issuer: string): string {
  const rpId = `rp_id: ${new URL(issuer).hostname}`
  return config.replaceAll(/http:\/\/localhost:87\d\d/g, issuer).replaceAll('rp_id: localhost', rpId)
}

/** A checkout for a deployment, with a wrangler that sends nothing. @param applied The migrations that the database has */
function checkoutForDeployment(applied: readonly string[]): string {
  const folder = checkout((config) =>
    atIssuer(config, 'https://id.shop.test').replace('shop@example.com', 'shop@shop.test'),
  )
  const toml = join(folder, 'wrangler.toml')
  writeFileSync(toml, readFileSync(toml, 'utf8').replaceAll('"local"', '"an-id"'))
  writeFileSync(
    join(folder, 'applied.json'),
    JSON.stringify([{ results: applied.map((name) => ({ name })), success: true }]),
  )
  const modules = join(folder, 'node_modules')
  rmSync(modules)
  mkdirSync(join(modules, 'wrangler', 'bin'), { recursive: true })
  mkdirSync(join(modules, 'wrangler', 'lib'))
  for (const name of readdirSync('node_modules')) {
    if (name !== 'wrangler') symlinkSync(resolve('node_modules', name), join(modules, name))
  }
  const wrangler = (name: string, text: string) => writeFileSync(join(modules, 'wrangler', name), text)
  wrangler('package.json', JSON.stringify({ name: 'wrangler', main: 'lib/main.js' }))
  wrangler('lib/main.js', `module.exports = require(${JSON.stringify(resolve('node_modules/wrangler'))})`)
  wrangler('bin/wrangler.js', FAKE_WRANGLER)
  return folder
}

describe('the migrations of a deployment', () => {
  const files = readdirSync('migrations').toSorted()
  const [last = ''] = files.slice(-1)

  it.each([
    ['stops with the missing migrations if the operator declines them', files.slice(0, -1), false],
    ['uploads the Worker after all of them are applied', files, true],
  ])('npm run deploy %s', async (_title, applied, isDeployed) => {
    const folder = checkoutForDeployment(applied)
    const missing = `Not deployed: the database DB has no ${last}. The Worker needs every migration: run npm run deploy again and confirm them.\n`
    expect(await runScript(folder, 'deploy')).toEqual({
      code: isDeployed ? 0 : 1,
      stdout: isDeployed ? 'The clients of operators were added or renewed.\n' : '',
      stderr: isDeployed ? '' : missing,
    })
    expect(readFileSync(join(folder, 'wrangler.log'), 'utf8').trim().split('\n')).toEqual([
      'd1 migrations apply DB',
      'd1 execute DB --remote',
      ...(isDeployed
        ? [
            'd1 execute DB --remote',
            'queues info sallyport-mail',
            'queues info sallyport-audit',
            'r2 bucket info sallyport-audit',
            'deployments list --name sallyport-management',
            'deploy --config dist/management.json --minify',
            'deploy --minify',
            'd1 execute DB --remote',
            'd1 execute DB --remote',
          ]
        : []),
    ])
    if (!isDeployed) return
    const [select = '', ...inserts] = readFileSync(join(folder, 'clients.sql'), 'utf8').trim().split('\n')
    expect(select).toContain("WHERE c.client_id IN ('sallyport-cli', 'sallyport-console')")
    expect(inserts.map((sql) => /VALUES \('([^']+)'/.exec(sql)?.[1])).toEqual([
      'sallyport-cli',
      'sallyport-console',
    ])
    expect(inserts[1]).toContain('["https://id.shop.test/console/callback"]')
  })

  it('npm run deploy -- --upload-only checks and migrates, and uploads a version without traffic and without new clients', async () => {
    const folder = checkoutForDeployment(files)
    expect(await runScript(folder, 'deploy', '--upload-only')).toEqual({ code: 0, stdout: '', stderr: '' })
    const commands = readFileSync(join(folder, 'wrangler.log'), 'utf8').trim().split('\n')
    expect(commands[0]).toBe('d1 migrations apply DB')
    expect(commands.at(-1)).toBe('versions upload --minify')
    expect(existsSync(join(folder, 'clients.sql'))).toBe(false)
  })

  it('npm run deploy stops if a changed rp_id makes passkeys unusable, unless the operator confirms it', async () => {
    const folder = checkoutForDeployment(files)
    const config = join(folder, 'config.yml')
    const passkeys = { rp_id: 'shop.test' }
    writeFileSync(
      config,
      stringify({ ...parse(readFileSync(config, 'utf8')), accounts: { customers: { passkeys } } }),
    )
    const results = [{ pool: 'customers', rpId: 'id.shop.test', count: 3 }]
    writeFileSync(join(folder, 'passkeys.json'), JSON.stringify([{ results }]))
    expect(await runScript(folder, 'deploy')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'Not deployed:\n' +
        '  config.yml: accounts.customers.passkeys.rp_id: 3 passkeys have id.shop.test and do not work with shop.test\n' +
        'To deploy anyway, run npm run deploy -- --confirm-rp-id\n',
    })
    expect(readFileSync(join(folder, 'wrangler.log'), 'utf8')).not.toContain('deploy --minify')
    expect((await runScript(folder, 'deploy', '--confirm-rp-id')).code).toBe(0)
  })

  it('the first deployment uploads the Worker of management again when the session objects exist', async () => {
    const folder = checkoutForDeployment(files)
    writeFileSync(join(folder, 'no_management'), '')
    expect((await runScript(folder, 'deploy')).code).toBe(0)
    const log = readFileSync(join(folder, 'wrangler.log'), 'utf8').trim().split('\n')
    expect(log.filter((line) => line.startsWith('deploy '))).toEqual([
      'deploy --config dist/management_without_objects.json --minify',
      'deploy --minify',
      'deploy --config dist/management.json --minify',
    ])
  })

  it('npm run deploy stops if the account has no queue of mails', async () => {
    const folder = checkoutForDeployment(files)
    writeFileSync(join(folder, 'no_queue'), '')
    expect(await runScript(folder, 'deploy')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'Not deployed: the queue sallyport-mail was not found. Create it: npx wrangler queues create sallyport-mail\n' +
        'wrangler: Queue does not exist\n',
    })
    expect(readFileSync(join(folder, 'wrangler.log'), 'utf8')).not.toContain('deploy --minify')
  })
})

describe('an issuer at workers.dev', () => {
  const atWorkersDev = (config: string) => atIssuer(config, 'https://sallyport.shop.workers.dev')

  it('an issuer at workers.dev is not deployed while wrangler.toml disables workers.dev, which is the default', async () => {
    const { code, stderr } = await runScript(checkout(atWorkersDev), 'deploy')
    expect(code).toBe(1)
    expect(stderr).toContain(
      'wrangler.toml: workers_dev: set it to true, since the issuer is an address of workers.dev\n',
    )
  })

  it('an issuer at workers.dev is deployed if wrangler.toml enables workers.dev', async () => {
    const folder = checkout(atWorkersDev)
    const file = join(folder, 'wrangler.toml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('workers_dev = false', 'workers_dev = true'))
    const { code, stderr } = await runScript(folder, 'deploy')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Not deployed:\n {2}wrangler\.toml: d1_databases/)
  })
})

describe('wrangler.toml', () => {
  it('wrangler.toml gives neither the Worker nor its previews an address at workers.dev', () => {
    const settings = readWranglerConfig({ config: 'wrangler.toml' })
    expect([settings.workers_dev, settings.preview_urls]).toEqual([false, false])
  })
})

describe('npm start', () => {
  it.each([
    ['--port', '0'],
    ['--port', '65536'],
    ['--port', 'http'],
    ['--prot', '1'],
  ])('npm start refuses %s %s', async (...parameters) => {
    expect(await runScript(checkout(String), 'start', ...parameters)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'usage: npm start [-- --port N], N from 1 to 65535\n',
    })
  })

  it('npm start adds no demo data if the issuer is not a loopback address', async () => {
    const config = parseConfig(atIssuer(readFileSync('config.yml', 'utf8'), 'https://id.shop.test'))
    await expect(seedDemoData({} as Env, config)).rejects.toThrow('demo data is for a loopback issuer')
  })
})

describe('npm run reset', () => {
  const EMPTY = {
    code: 0,
    stdout: '.wrangler/ is empty. The next npm start creates the data again.\n',
    stderr: '',
  }

  it('npm run reset refuses while npm start runs, and removes the local data after the server has ended', async () => {
    const folder = checkout(String)
    const state = join(folder, '.wrangler')
    const server = spawn(process.execPath, ['scripts/start.ts', '--port', '18431'], {
      cwd: folder,
      stdio: 'ignore',
    })
    const ended = once(server, 'exit')
    await vi.waitFor(() => expect(listServers(state)).toHaveLength(1), { timeout: 20_000 })
    expect(await runScript(folder, 'reset')).toEqual({
      code: 1,
      stdout: '',
      stderr: `Nothing was removed, because .wrangler/ is in use: npm start (process ${server.pid}). Stop it, then run npm run reset again.\n`,
    })
    expect(existsSync(state)).toBe(true)
    server.kill()
    await ended
    expect(await runScript(folder, 'reset')).toEqual(EMPTY)
    expect(existsSync(state)).toBe(false)
  })

  it('npm run reset ignores the record of a server that was killed', async () => {
    const folder = checkout(String)
    const killed = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await once(killed, 'exit')
    mkdirSync(join(folder, '.wrangler/servers'), { recursive: true })
    writeFileSync(join(folder, '.wrangler/servers', String(killed.pid)), 'npm start')
    expect(await runScript(folder, 'reset')).toEqual(EMPTY)
  })
})

describe('the first client and user of a real account', () => {
  it.each([
    [
      ['--id', 'shop', '--api', 'wholesale', '--grants', 'password'],
      'api: must be one of storefront, backoffice, admin, mcp, ucp\n',
    ],
    [
      ['--id', 'shop', '--api', 'storefront', '--grants', 'password', '--scopes', 'cart,users'],
      'scopes.1: must be a scope of the API storefront\n',
    ],
    [
      ['--id', 'shop', '--api', 'storefront', '--grants', 'password', '--origins', 'https://shop.test/'],
      'origins.0: must be an exact origin, such as https://shop.example.com\n',
    ],
    [
      ['--id', 'shop', '--api', 'storefront', '--grants', 'password', '--origins', 'http://shop.test'],
      'origins.0: must be https, unless it is a loopback address\n',
    ],
    [
      ['--id', 'shop', '--api', 'storefront', '--grants', 'client_credentials', '--public'],
      'grants: must not have client_credentials, because the client is public (RFC 6749 §4.4)\n',
    ],
  ])(
    'the first client and user of a real account are refused with a reason and the usage text: %j',
    async (parameters, reason) => {
      expect(await runScript(resolve('.'), 'new_client', ...parameters)).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining(`${reason}usage: npm run --silent new-client -- `),
      })
    },
  )

  it('the first client and user of a real account are printed as SQL, and the secret is printed separately and once', async () => {
    const parameters = ['--id', 'shop', '--api', 'storefront', '--grants', 'password', '--scopes', 'cart']
    const { code, stdout, stderr } = await runScript(resolve('.'), 'new_client', ...parameters)
    expect(code).toBe(0)
    const [, secret = ''] = /^client_secret: (sps_[A-Za-z0-9_-]{43})\n$/.exec(stderr) ?? []
    expect(secret).not.toBe('')
    expect(stdout).toMatch(/^INSERT INTO clients .*;\nINSERT INTO client_secrets .*;\n$/)
    expect(stdout).not.toContain(secret)
    const user = await runScript(
      resolve('.'),
      'new_user',
      '--pool',
      'customers',
      '--username',
      'Amanda@example.com',
    )
    expect(user.stdout).toMatch(
      /^INSERT INTO users .*"username":"amanda@example.com","passwordHash":"\$argon2id\$v=19\$m=19456,t=2,p=1\$.*;\n$/,
    )
    expect(user.stdout).not.toContain('a password')
    const chef = ['--pool', 'operators', '--username', 'chef', '--roles', 'chef']
    expect(await runScript(resolve('.'), 'new_user', ...chef)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'roles.0: must be support or admin for an operator\n',
    })
  })

  it.each([
    ['new_client', '2>/dev/full', 'client_secret'],
    ['new_client', '>/dev/full', 'INSERT'],
    ['new_user', '>/dev/full', 'INSERT'],
  ])(
    '%s %s ends with exit code 1 and prints no SQL of a client whose secret is lost',
    (name, target, lost) => {
      const options = {
        new_client: '--id shop --api storefront --grants password --scopes cart',
        new_user: '--pool customers --username a@shop.test',
      }
      const command = `node scripts/${name}.ts ${options[name as keyof typeof options]} ${target}`
      const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
        input: 'a password\n',
        encoding: 'utf8',
      })
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).not.toContain(lost)
      const message = 'Standard output failed: ENOSPC: no space left on device, write. Nothing was created.'
      expect(stderr.includes(message)).toBe(target === '>/dev/full')
    },
  )
})

describe('the first admin of a deployment', () => {
  it('one command creates the tables and the first admin of a local database once, together with the clients for the sign-in of operators', async () => {
    const folder = checkout(String)
    const first = await runScript(folder, 'first_admin', '--username', 'Zoe@example.com')
    expect(first).toEqual({
      code: 0,
      stdout: 'zoe@example.com is an admin. Sign in with the client sallyport-cli.\n',
      stderr: '',
    })
    expect(await runScript(folder, 'first_admin', '--username', 'mallory')).toEqual({
      code: 1,
      stdout: '',
      stderr: `An admin exists already. An admin can make further admins: docs/admin-api.md
It can be the demo admin of npm start. npm run reset removes all local data, then npm run first-admin works.\n`,
    })
    const sql = `SELECT pool, username, roles, password_hash LIKE '$argon2id$%' AS is_hashed,
      (SELECT group_concat(client_id || ' ' || api || ' ' || confidential || ' ' || redirect_uris) FROM clients) AS clients,
      (SELECT group_concat(kind || ': ' || reason) FROM audit_events WHERE subject = users.id) AS events FROM users`
    const [{ results }] = JSON.parse(
      await runWrangler(folder, 'execute', 'DB', '--local', '--json', '--command', sql),
    )
    expect(results).toEqual([
      {
        pool: 'operators',
        username: 'zoe@example.com',
        roles: '["admin"]',
        is_hashed: 1,
        clients:
          'sallyport-cli admin 0 ["http://127.0.0.1/callback"],sallyport-console admin 0 ["http://localhost:8787/console/callback"]',
        events: 'admin: the first admin was created',
      },
    ])
  })

  it('first-admin has a usage text', async () => {
    expect(await runScript(resolve('.'), 'first_admin', '--help')).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^usage: npm run first-admin/),
      stderr: '',
    })
  })

  it('first-admin reports a missing admin API and a wrong or missing username', async () => {
    const without = checkout((config) => config.replace('admin_api: admin', ''))
    expect(await runScript(without, 'first_admin', '--username', 'zoe')).toMatchObject({
      code: 1,
      stderr: 'config.yml: admin_api: must name an API first (docs/admin-api.md)\n',
    })
    const empty = checkout(String)
    expect(await runScript(empty, 'first_admin', '--username', 'a\u202eb')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^the username /),
    })
    expect(await runScript(empty, 'first_admin', '--username', 'zoe', '--remote')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^The database was not reached\. --remote needs a login: .*\nwrangler: .*\n$/,
      ),
    })
    expect(await runScript(empty, 'first_admin')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^usage: npm run first-admin/),
    })
  })
})

async function runWrangler(folder: string, ...parameters: string[]): Promise<string> {
  const bin = resolve('node_modules/wrangler/bin/wrangler.js')
  const options = { cwd: folder, env: { ...process.env, ...QUIET_WRANGLER } }
  return (await promisify(execFile)(process.execPath, [bin, 'd1', ...parameters], options)).stdout
}
